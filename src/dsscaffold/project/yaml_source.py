"""YAML with positions, so that an error can name the file and the line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dsscaffold.errors import UsageError
from dsscaffold.project.names import did_you_mean

KeyPath = tuple[str, ...]

_NOT_YAML = "Mend the line: a colon, a quote or the indentation is the usual reason."


@dataclass(frozen=True)
class YamlSource:
    """A parsed YAML file: plain `data`, and the line (from 1) of every key by its path from the root.

    Without a `path` the data came from the command line, and errors name no position.
    """

    path: Path | None
    data: Any
    lines: dict[KeyPath, int]

    def fail(self, at: KeyPath, message: str, hint: str | None = None) -> UsageError:
        """Build the error for the key `at`; the caller raises it."""
        if self.path is None:
            return UsageError(message, hint)
        line = next((self.lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in self.lines), 1)
        return UsageError(f"{self.path}:{line}: {message}", hint)

    def mapping(self, at: KeyPath, value: Any, known: frozenset[str] | None = None) -> dict[str, Any]:
        """Return `value` as a mapping whose keys are all `known` (None: any); nothing counts as an empty one.

        Raises:
            UsageError: it is something else, or has a key that is not known.
        """
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.fail(
                at, f"{_title(at)} must be a mapping, not {_kind(value)}.", "Write it as lines of `key: value`."
            )
        for key in value:
            if known is not None and key not in known:
                raise self.fail((*at, key), f"Unknown key {key!r}.", did_you_mean(key, known))
        return value

    def text(self, at: KeyPath, value: Any) -> str:
        """Return `value` as a non-empty string, or raise a UsageError."""
        if not isinstance(value, str) or not value.strip():
            raise self.fail(at, f"{_title(at)} must be a word, not {_kind(value)}.", "Quote it if it is meant.")
        return value

    def texts(self, at: KeyPath, value: Any) -> tuple[str, ...]:
        """Return `value` as a tuple of strings; nothing counts as an empty list."""
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.fail(at, f"{_title(at)} must be a list, not {_kind(value)}.", "Write it as [one, two].")
        return tuple(self.text(at, item) for item in value)


def read_yaml(path: Path) -> YamlSource:
    """Parse the file at `path`.

    Raises:
        UsageError: it cannot be read, is not YAML, or says the same key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", "Check the path, and whether you may read it."
        ) from error
    return parse_yaml(path, text)


def parse_yaml(path: Path, text: str) -> YamlSource:
    """Parse `text`, which stands in, or is going to be written to, the file at `path`.

    Raises:
        UsageError: it is not YAML, or says the same key twice.
    """
    lines: dict[KeyPath, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = _convert(path, node, (), lines) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: This is not YAML: {error.problem}.", _NOT_YAML) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: This is not YAML that can be read: {error}.", _NOT_YAML) from error
    return YamlSource(path, data, lines)


def _convert(path: Path, node: yaml.Node, at: KeyPath, lines: dict[KeyPath, int]) -> Any:
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(path, item, at, lines) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        return yaml.SafeLoader("").construct_object(node)
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value
        if not isinstance(key, str):
            raise UsageError(f"{path}:{line}: A key must be a word.", "Quote it if it is meant.")
        if key in result:
            raise UsageError(f"{path}:{line}: The key {key!r} stands twice.", "Keep one of the two.")
        lines[(*at, key)] = line
        result[key] = _convert(path, value_node, (*at, key), lines)
    return result


def _title(at: KeyPath) -> str:
    return ".".join(at) if at else "The file"


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", type(None): "nothing", bool: "yes or no"}
    return names.get(type(value), f"{value!r}")
