"""Substitute `${VAR}` in text the way Compose does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


class InterpolationError(ValueError):
    """Say why a text cannot be substituted."""


@dataclass(frozen=True)
class _Variable:
    name: str
    operator: str
    word: tuple[_Part, ...]


_Part = str | _Variable


def interpolate(text: str, variables: Mapping[str, str], on_unset: Callable[[str], None]) -> str:
    """Return `text` with every reference replaced.

    `on_unset` hears the name of each variable that is used without a value and without a default;
    like Compose, such a reference becomes empty.
    """
    if "$" not in text:
        return text
    parts, _ = _parse(text, 0, nested=False)
    return _evaluate(parts, variables, on_unset)


def _parse(text: str, at: int, *, nested: bool) -> tuple[tuple[_Part, ...], int]:
    """Parse up to the end of `text`, or up to the `}` that closes a nested word."""
    parts: list[_Part] = []
    literal: list[str] = []
    while at < len(text) and not (nested and text[at] == "}"):
        if text[at] != "$":
            literal.append(text[at])
            at += 1
        elif text.startswith("$$", at):
            literal.append("$")
            at += 2
        else:
            variable, at = _reference(text, at)
            parts += ["".join(literal), variable]
            literal = []
    return (*parts, "".join(literal)), at


def _reference(text: str, at: int) -> tuple[_Variable, int]:
    braced = text.startswith("${", at)
    name = _NAME.match(text, at + (2 if braced else 1))
    if name is None:
        raise InterpolationError(f"`{text[at : at + 12]}` is no variable; a plain dollar is written `$$`")
    if not braced:
        return _Variable(name.group(), "", ()), name.end()
    operator = _OPERATOR.match(text, name.end())
    word: tuple[_Part, ...] = ()
    at = name.end()
    if operator:
        word, at = _parse(text, operator.end(), nested=True)
    if not text.startswith("}", at):
        raise InterpolationError(f"`${{{name.group()}` is not closed by a `}}`")
    return _Variable(name.group(), operator.group() if operator else "", word), at + 1


def _evaluate(parts: tuple[_Part, ...], variables: Mapping[str, str], on_unset: Callable[[str], None]) -> str:
    return "".join(p if isinstance(p, str) else _value(p, variables, on_unset) for p in parts)


def _value(variable: _Variable, variables: Mapping[str, str], on_unset: Callable[[str], None]) -> str:
    value = variables.get(variable.name)
    # With a colon an empty value counts as none.
    has_value = bool(value) if variable.operator.startswith(":") else value is not None
    kind = variable.operator[-1:]
    if kind == "+":
        return _evaluate(variable.word, variables, on_unset) if has_value else ""
    if has_value and value is not None:
        return value
    if kind == "-":
        return _evaluate(variable.word, variables, on_unset)
    if kind == "?":
        reason = _evaluate(variable.word, variables, on_unset) or "it has no value"
        raise InterpolationError(f"the variable {variable.name} is required: {reason}")
    on_unset(variable.name)
    return ""
