"""YAML values that know the file and line they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from dsscaffold.errors import UsageError
from dsscaffold.runtime.compose.interpolation import InterpolationError, interpolate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Source:
    """One file, with the variables that hold in it."""

    path: Path
    shown: str
    variables: Mapping[str, str]
    unset: set[str] = field(default_factory=set, compare=False)


class Value:
    """A YAML node; scalars are interpolated when they are read."""

    def __init__(self, node: yaml.Node, source: Source, line: int | None = None) -> None:
        self._node = node
        self._line = node.start_mark.line + 1 if line is None else line
        self.source = source

    @property
    def where(self) -> str:
        """Name the file and line; for an entry of a mapping, the line of its key."""
        return f"{self.source.shown}:{self._line}"

    @property
    def is_null(self) -> bool:
        """Tell whether nothing (or `null`) is written here."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.tag == _NULL

    @property
    def is_mapping(self) -> bool:
        """Tell whether this is a mapping."""
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_sequence(self) -> bool:
        """Tell whether this is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def error(self, message: str, hint: str | None = None) -> UsageError:
        """Return an error that starts with the file and line."""
        return UsageError(f"{self.where}: {message}", hint)

    def mapping(self) -> dict[str, Value]:
        """Return the entries in the order they are written, merge keys (`<<`) applied."""
        if self.is_null:
            return {}
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error("Expected a mapping of keys to values.")
        merged: dict[str, Value] = {}
        own: dict[str, Value] = {}
        for key, node in self._node.value:
            value = Value(node, self.source, key.start_mark.line + 1)
            if not isinstance(key, yaml.ScalarNode):
                raise value.error("A key must be a word.")
            if key.tag == _MERGE:
                for parent in value.sequence() if value.is_sequence else [value]:
                    merged = {**parent.mapping(), **merged}
            elif key.value in own:
                raise value.error(f"The key `{key.value}` stands twice.")
            else:
                own[str(key.value)] = value
        return {**merged, **own}

    def sequence(self) -> list[Value]:
        """Return the items."""
        if self.is_null:
            return []
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error("Expected a list.")
        return [Value(node, self.source) for node in self._node.value]

    def text(self) -> str:
        """Return the scalar as it is written (`3000` and `true` stay text), variables replaced."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error("Expected a single value.")
        if self.is_null:
            return ""
        try:
            return interpolate(self._node.value, self.source.variables, self.source.unset.add)
        except InterpolationError as error:
            raise self.error(f"{error}.") from error

    def flag(self) -> bool:
        """Return a boolean."""
        text = self.text().lower()
        if text not in ("true", "false"):
            raise self.error(f"Expected true or false, found `{self.text()}`.")
        return text == "true"


def parse(source: Source) -> Value:
    """Parse the file of `source`."""
    try:
        node = yaml.compose(source.path.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        raise UsageError(f"{source.shown}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source.shown} is not UTF-8 text.") from error
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{source.shown}{line}: This is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{source.shown}: This is not YAML: {error}.") from error
    if node is None:
        raise UsageError(f"{source.shown} is empty.")
    return Value(node, source)
