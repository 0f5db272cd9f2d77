"""Edit the text of dsscaffold.yaml in place: every byte that an edit is not about stays as the team wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dsscaffold.errors import UsageError
from dsscaffold.project.yaml_source import parse_yaml

_COMMENT = re.compile(r"(?<!\S)#")
_Entry = tuple[yaml.Node, yaml.Node]


@dataclass(frozen=True)
class ManifestText:
    """The text of a manifest; each edit returns a new one that says exactly what was asked for.

    Raises:
        UsageError: from an edit, where the file is laid out in a way that the edit cannot follow; from what the text
            names, where it is no manifest there.
    """

    path: Path
    text: str

    @property
    def data(self) -> dict[str, Any]:
        """Return what the text says."""
        data = parse_yaml(self.path, self.text).data
        return data if isinstance(data, dict) else {}

    @property
    def services(self) -> dict[str, Any]:
        """Return the services that the text names."""
        source = parse_yaml(self.path, self.text)
        services = source.mapping(("services",), self.data.get("services"))
        return {source.text(("services", name), name): fields for name, fields in services.items()}

    @property
    def identities(self) -> list[str]:
        """Return what the services are known by: their ids, or else their names."""
        source = parse_yaml(self.path, self.text)
        found = []
        for name, value in self.services.items():
            fields = source.mapping(("services", name), value)
            found.append(source.text(("services", name, "id"), fields.get("id", name)))
        return found

    @property
    def patterns(self) -> list[str]:
        """Return the patterns that the text names, in its order."""
        return list(parse_yaml(self.path, self.text).texts(("patterns",), self.data.get("patterns")))

    def set_word(self, key: str, value: str) -> ManifestText:
        """Set the word behind a key of the first level."""
        edited = self._splice(*_span(self._entry(key)[1]), value)
        return edited._expect({**self.data, key: value})

    def set_list(self, key: str, values: Sequence[str]) -> ManifestText:
        """Make the list behind `key` hold exactly `values`."""
        _, node = self._entry(key)
        flow = f"[{', '.join(values)}]"
        if not isinstance(node, yaml.SequenceNode):
            edited = self._after_key(key, f" {flow}")
        elif node.flow_style:
            edited = self._replace(*_span(node), flow)
        elif not values:
            edited = self._after_key(key, " []")
        else:
            return self._block_list(key, node, values)
        return edited._expect({**self.data, key: list(values)})

    def add_service(self, name: str, value: str) -> ManifestText:
        """Add the line of a service: in its place if the others are in order, else at the end."""
        names = list(self.services)
        line = f"{name}: {value}"
        if not names:
            edited = self._after_key("services", f"{self._newline}  {line}")
        else:
            _, mapping = self._entry("services")
            if mapping.flow_style:
                edited = self._splice(mapping.end_mark.index - 1, mapping.end_mark.index - 1, f", {line}")
            else:
                indent = " " * mapping.value[0][0].start_mark.column
                at = self._place(mapping, names, name)
                edited = self._insert_line(at, f"{indent}{line}")
        return edited._expect({**self.data, "services": {**self.services, name: yaml.safe_load(value)}})

    def remove_service(self, name: str) -> ManifestText:
        """Remove the lines of a service."""
        left = {key: value for key, value in self.services.items() if key != name}
        key, node = self._entry("services", name)
        if not left:
            edited = self._after_key("services", " {}")
        elif self._entry("services")[1].flow_style:
            edited = self._drop_from_flow("services", key, node)
        else:
            edited = self._splice(self._line_start(key.start_mark.index), self._line_end(node), "")
        return edited._expect({**self.data, "services": left})

    def rename_service(self, old: str, new: str, value: str) -> ManifestText:
        """Give a service another name, and `value` as what stands behind it; the line stays where it is."""
        fields = yaml.safe_load(value)
        key, node = self._entry("services", old)
        renamed = {new if name == old else name: entry for name, entry in self.services.items()}
        edited = self
        if self.services[old] != fields:
            edited = self._set_id(node, fields.get("id")) or self._replace(
                node.start_mark.index, _last(node).end_mark.index, value
            )
        edited = edited._splice(*_span(key), new)
        return edited._expect({**self.data, "services": {**renamed, new: fields}})

    def _set_id(self, node: yaml.Node, identity: str | None) -> ManifestText | None:
        """Set or drop the line of an id where a service has one line a field; None where it has another layout."""
        if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
            return None
        edited = self
        if identity:
            indent = " " * node.value[0][0].start_mark.column
            edited = edited._insert_line(self._line_end(node), f"{indent}id: {identity}")
        for key, value in node.value:
            if key.value == "id":
                edited = edited._splice(self._line_start(key.start_mark.index), self._line_end(value), "")
        return edited

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _expect(self, data: dict[str, Any]) -> ManifestText:
        """Return this text if it says `data`; an edit that went wrong never reaches the file."""
        try:
            if self.data == data:
                return self
        except UsageError:
            pass
        raise self._beyond_us()

    def _beyond_us(self) -> UsageError:
        return UsageError(
            f"{self.path} is laid out in a way that dsscaffold cannot edit.",
            "Change it by hand, and run: dsscaffold update",
        )

    def _entry(self, *at: str) -> Any:
        """Return the nodes (key, value) at a path of keys; for one that is not there the end of the text."""
        # What is no YAML is said as everywhere else.
        parse_yaml(self.path, self.text)
        node = yaml.compose(self.text, Loader=yaml.SafeLoader)
        found: Any = (node, node)
        for name in at:
            entries: list[_Entry] = found[1].value if isinstance(found[1], yaml.MappingNode) else []
            found = next((entry for entry in entries if entry[0].value == name), None)
            if found is None:
                raise UsageError(f"{self.path}: There is no {'.'.join(at)}.", "Add it by hand.")
        return found

    def _splice(self, start: int, end: int, text: str) -> ManifestText:
        return ManifestText(self.path, self.text[:start] + text + self.text[end:])

    def _replace(self, start: int, end: int, text: str) -> ManifestText:
        """Put `text` in the place of another that holds no comment: what a team says there is not ours to drop."""
        if _COMMENT.search(self.text, start, end):
            raise self._beyond_us()
        return self._splice(start, end, text)

    def _after_key(self, name: str, text: str) -> ManifestText:
        """Put `text` behind the colon of a key, instead of what stands there; add the key if it is missing."""
        if name not in self.data:
            gap = "" if self.text.endswith("\n") else self._newline
            return ManifestText(self.path, f"{self.text}{gap}{name}:{text}{self._newline}")
        key, node = self._entry(name)
        colon = self.text.index(":", key.end_mark.index) + 1
        return self._replace(colon, max(colon, _last(node).end_mark.index if _has_text(node) else colon), text)

    def _insert_line(self, at: int, line: str) -> ManifestText:
        gap = "" if at == 0 or self.text[at - 1] == "\n" else self._newline
        return self._splice(at, at, f"{gap}{line}{self._newline}")

    def _place(self, mapping: yaml.Node, names: list[str], name: str) -> int:
        later = [entry for entry in mapping.value if entry[0].value > name]
        if names != sorted(names) or not later:
            return self._line_end(mapping.value[-1][1])
        before = mapping.value.index(later[0])
        if before:
            # Behind the one before it: a comment above the next one stays above that.
            return self._line_end(mapping.value[before - 1][1])
        return self._line_start(later[0][0].start_mark.index)

    def _drop_from_flow(self, name: str, key: yaml.Node, node: yaml.Node) -> ManifestText:
        entries = self._entry(name)[1].value
        index = next(n for n, entry in enumerate(entries) if entry[0].start_mark.index == key.start_mark.index)
        if index:
            return self._replace(entries[index - 1][1].end_mark.index, node.end_mark.index, "")
        return self._replace(key.start_mark.index, entries[1][0].start_mark.index, "")

    def _block_list(self, key: str, node: yaml.SequenceNode, values: Sequence[str]) -> ManifestText:
        """Add and drop lines of a list that has one item a line; the order of the file is the team's."""
        there = [item.value for item in node.value]
        edited = self
        indent = " " * node.start_mark.column
        new = "".join(f"{indent}- {value}{self._newline}" for value in values if value not in there)
        at = self._line_end(node.value[-1])
        gap = "" if self.text[at - 1] == "\n" else self._newline
        edited = edited._splice(at, at, gap + new if new else "")
        for item in reversed(node.value):
            if item.value not in values:
                edited = edited._splice(self._line_start(item.start_mark.index), self._line_end(item), "")
        ordered = [value for value in there if value in values] + [value for value in values if value not in there]
        return edited._expect({**self.data, key: ordered})

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, node: yaml.Node) -> int:
        """Return where the line after a node begins; a comment behind it belongs to it."""
        end = self.text.find("\n", _last(node).end_mark.index)
        return len(self.text) if end < 0 else end + 1


def _span(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _has_text(node: yaml.Node) -> bool:
    return bool(node.end_mark.index > node.start_mark.index)


def _last(node: yaml.Node) -> yaml.Node:
    """Return the last node inside `node` whose end is where its text ends: a block's own end is after the comments."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        item = node.value[-1]
        node = item[1] if isinstance(item, tuple) else item
    return node
