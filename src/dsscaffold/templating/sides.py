"""The three sides of a merge - base, ours, theirs - cut into the parts that are merged one by one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.manifest import MANIFEST_NAME, Manifest
from dsscaffold.project.plan import SERVICES
from dsscaffold.templating.git import plumb
from dsscaffold.templating.repository import STATE, Entries, Entry, Repository, ignored
from dsscaffold.templating.scratch import Scratch

_ROOT = "root"
_GATEWAY = "gateway"
#: Attributes that make what git keeps differ from what lies in the work tree.
_CONVERTED = ("filter", "ident")


@dataclass(frozen=True)
class Part:
    """One part with its three sides; `name` is free of slashes, for labels."""

    name: str
    base: Entries = field(default_factory=dict)
    ours: Entries = field(default_factory=dict)
    theirs: Entries = field(default_factory=dict)


@dataclass(frozen=True)
class Sides:
    """All parts, the files of the repository that are in none, and the contents that git does not have yet."""

    parts: tuple[Part, ...]
    outside: Entries
    blobs: Mapping[str, bytes]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Rendering:
    """A manifest, and the mode and content of every file that was rendered from it, by path in the project."""

    manifest: Manifest
    files: Mapping[str, tuple[str, bytes]]


@dataclass(frozen=True)
class _Names:
    """Which part a path lies in. A service that is renamed is one part: its files move along."""

    prefix: str
    renamed: Mapping[str, str]
    services: frozenset[str]

    def place(self, path: str, *, old: bool) -> tuple[str, str]:
        """Return the part of a path, and the path as it is after the renames (`old`: it is one of before)."""
        inner = path[len(self.prefix) :]
        head, _, rest = inner.partition("/")
        if head == _GATEWAY:
            return _GATEWAY, path
        service, _, tail = rest.partition("/")
        if head != SERVICES or service not in self.services or not tail:
            return _ROOT, path
        name = self.renamed.get(service, service) if old else service
        return f"{SERVICES}-{name}", f"{self.prefix}{SERVICES}/{name}/{tail}"


def make_sides(scratch: Scratch, ours: Entries, base: Rendering, theirs: Rendering) -> Sides:
    """Cut the team's files and the two renderings into parts."""
    repo = scratch.repo
    names = _names(repo.prefix, base.manifest, theirs.manifest)
    rendered = {f"{repo.prefix}{path}" for path in base.files.keys() | theirs.files.keys()}
    left_out = ignored(repo, sorted(rendered - ours.keys()))
    store = _Store(scratch, ours, _converted(repo, sorted(rendered)))
    parts = _Parts(names)
    outside: Entries = {}
    for path, entry in ours.items():
        if path.startswith(repo.prefix) and not _is_own(path[len(repo.prefix) :]):
            _put(parts.of(path, old=True, side="ours"), names.place(path, old=True)[1], path, entry)
        else:
            outside[path] = entry
    for side, rendering in (("base", base), ("theirs", theirs)):
        for inner, (mode, data) in rendering.files.items():
            path = f"{repo.prefix}{inner}"
            if path not in left_out:
                place = names.place(path, old=side == "base")[1]
                parts.of(path, old=side == "base", side=side)[place] = Entry(mode, store.keep(path, data))
    inner_names = {path[len(repo.prefix) :] for path in left_out}
    changed = sorted(path for path in inner_names if base.files.get(path) != theirs.files.get(path))
    return Sides(tuple(parts[name] for name in sorted(parts)), outside, store.blobs, tuple(changed))


def _put(side: Entries, place: str, path: str, entry: Entry) -> None:
    """Put a file of the team into its part; two that a rename would bring to one place are for a person to settle."""
    if place in side:
        raise DsscaffoldError(
            f"Under its new name {place} would stand in the place of another file of yours (moved: {path}).",
            "One step after the other: move or remove what has the new name, commit, and rename then.",
        )
    side[place] = entry


class _Parts(dict[str, Part]):
    """The parts that some path lies in, by name."""

    def __init__(self, names: _Names) -> None:
        super().__init__()
        self._names = names

    def of(self, path: str, *, old: bool, side: str) -> Entries:
        """Return the files of one side of the part that `path` lies in."""
        name, _ = self._names.place(path, old=old)
        entries: Entries = getattr(self.setdefault(name, Part(name)), side)
        return entries


class _Store:
    """Name contents as git does, and remember those that the team's side does not hold."""

    def __init__(self, scratch: Scratch, ours: Entries, converted: set[str]) -> None:
        self._scratch = scratch
        self._known = {entry.oid for entry in ours.values()}
        self._converted = converted
        self.blobs: dict[str, bytes] = {}

    def keep(self, path: str, data: bytes) -> str:
        if path in self._converted or b"\r\n" in data:
            return self._scratch.clean(path, data)
        oid = self._scratch.repo.oid(data)
        if oid not in self._known:
            self.blobs[oid] = data
        return oid


def _converted(repo: Repository, paths: list[str]) -> set[str]:
    """Return the paths whose content a filter of the team changes on its way into git."""
    said = plumb(repo.root, "check-attr", "-z", "--stdin", *_CONVERTED, stdin=repo.names(paths))
    words = said.split(b"\0")
    return {
        os.fsdecode(words[n]) for n in range(0, len(words) - 2, 3) if words[n + 2] not in {b"unspecified", b"unset"}
    }


def _names(prefix: str, before: Manifest, after: Manifest) -> _Names:
    later = {service.identity: service.name for service in after.services}
    renamed = {
        service.name: later[service.identity]
        for service in before.services
        if later.get(service.identity, service.name) != service.name
    }
    return _Names(prefix, renamed, frozenset(service.name for service in (*before.services, *after.services)))


def _is_own(path: str) -> bool:
    return path == MANIFEST_NAME or path.startswith(f"{STATE}/")


def drop_part(sides: Sides, name: str) -> tuple[Sides, list[str]]:
    """Return the sides with the team's files in the part `name` as they were rendered, and those that held more."""
    part = next((part for part in sides.parts if part.name == name), Part(name))
    written = sorted(path for path, entry in part.ours.items() if part.base.get(path) != entry)
    plain = replace(part, ours=part.base)
    return replace(sides, parts=tuple(plain if each.name == name else each for each in sides.parts)), written
