"""Read `KEY=value` files (`.env`, `env_file:`) the way Compose does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dsscaffold.errors import UsageError
from dsscaffold.runtime.compose.interpolation import InterpolationError, interpolate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LINE = re.compile(r"(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)\s*(?:=\s*(?P<value>.*))?", re.DOTALL)
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE = re.compile(r"'(?P<text>[^']*)'\s*(?:#.*)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}


def parse_env(text: str, shown: str, variables: Mapping[str, str], on_unset: Callable[[str], None]) -> dict[str, str]:
    """Return what `text` sets; `shown` names the file in an error.

    A later line may use the value of an earlier one. What `variables` holds wins inside `${...}`, as the
    shell's environment does in Compose. A key without `=` takes its value from `variables`, or is left out.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        known = {**values, **variables}
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise UsageError(f"{shown}:{number}: Expected KEY=value, found `{stripped}`.")
        key, raw = match["key"], match["value"]
        try:
            value = known.get(key) if raw is None else _value(raw, known, on_unset)
        except InterpolationError as error:
            raise UsageError(f"{shown}:{number}: {error}.") from error
        if value is not None:
            values[key] = value
    return values


def _value(raw: str, variables: Mapping[str, str], on_unset: Callable[[str], None]) -> str:
    if raw.startswith("'"):
        return _quoted(_SINGLE, raw)
    if raw.startswith('"'):
        unescaped = re.sub(r"\\(.)", _unescape, _quoted(_DOUBLE, raw))
        return interpolate(unescaped, variables, on_unset)
    plain = re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
    return interpolate(plain, variables, on_unset)


def _quoted(pattern: re.Pattern[str], raw: str) -> str:
    match = pattern.fullmatch(raw)
    if match is None:
        raise InterpolationError(f"the quote of `{raw}` is not closed, or text follows it")
    return match["text"]


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
