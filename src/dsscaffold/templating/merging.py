"""The three-way merge, one part at a time, by git; and the one tree that the parts make together."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.plan import SERVICES
from dsscaffold.templating.repository import Entries, Entry
from dsscaffold.templating.scratch import Commit, Scratch
from dsscaffold.templating.sides import Part, Sides

BASE, OURS, THEIRS = 1, 2, 3
#: Git's word for a conflict, and ours.
_REASONS = {
    "contents": "both changed the same lines",
    "binary": "both changed it, and it is no text; yours was kept",
    "add/add": "both added it",
    "modify/delete": "you changed it, the templates deleted it",
    "rename/delete": "you renamed it, the templates deleted it",
    "rename/rename": "both renamed it",
}
#: What git keeps for a path in conflict: an entry for each side that has the file.
Stages = dict[str, dict[int, Entry]]


@dataclass(frozen=True)
class Conflict:
    """A file that needs a person, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Merged:
    """The files after a merge, those in conflict with their sides, and what a person should know.

    `ignored` are files that changed and that git ignores; `blobs` are contents that git does not have yet.
    """

    entries: Entries = field(default_factory=dict)
    stages: Stages = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    blobs: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Return the files in conflict, sorted."""
        return tuple(Conflict(path, self.reasons.get(path, "both sides changed it")) for path in sorted(self.stages))


def merge_sides(scratch: Scratch, sides: Sides, version: str) -> Merged:
    """Merge every part and put the results together with the files that are in none.

    A part that only one side changed needs no merge: the result is that side. Blank or not, most parts are such.
    """
    pending = [part for part in sides.parts if not is_simple(part) and not _is_gone(part)]
    _write_parts(scratch, pending, sides.blobs, version)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        merged = dict(
            zip((p.name for p in pending), pool.map(lambda p: _merge(scratch, p, version), pending), strict=True)
        )
    whole = Merged(dict(sides.outside))
    notes: list[str] = []
    for part in sides.parts:
        result = merged.get(part.name) or _one_sided(part)
        if clash := whole.entries.keys() & result.entries.keys():
            raise DsscaffoldError(f"Two parts of the repository would both hold {min(clash)}.", "Please report it.")
        whole.entries.update(result.entries)
        whole.stages.update(result.stages)
        whole.reasons.update(result.reasons)
        notes += result.notes
    return replace(whole, notes=tuple(notes), ignored=sides.ignored, blobs=sides.blobs)


def is_simple(part: Part) -> bool:
    """Return whether one side changed nothing, so that the result is the other."""
    return part.base in (part.ours, part.theirs) or part.ours == part.theirs


def _is_gone(part: Part) -> bool:
    """Return whether the team has removed, or moved, all of a service that its manifest still names."""
    return part.name.startswith(f"{SERVICES}-") and bool(part.base and part.theirs) and not part.ours


def _one_sided(part: Part) -> Merged:
    """Return what comes of a part that needs no merge."""
    if is_simple(part):
        return Merged(part.ours if part.theirs == part.base else part.theirs)
    service = part.name.removeprefix(f"{SERVICES}-")
    note = (
        f"{SERVICES}/{service}: you have no file there any more, so it gets none of the new ones. "
        f"Is it gone: dsscaffold remove-service {service}. Has it moved: dsscaffold rename-service {service} NEW"
    )
    return Merged(notes=(note,))


def _labels(part: Part, version: str) -> tuple[str, str]:
    """Return the names of both sides as they stand in conflict markers."""
    return f"yours/{part.name}", f"templates-{version}/{part.name}"


def _write_parts(scratch: Scratch, parts: list[Part], blobs: Mapping[str, bytes], version: str) -> None:
    commits = []
    for part in parts:
        ours, theirs = _labels(part, version)
        base = f"base/{part.name}"
        commits += [Commit(base, part.base), Commit(ours, part.ours, base), Commit(theirs, part.theirs, base)]
    if commits:
        scratch.write(commits, blobs)


def _merge(scratch: Scratch, part: Part, version: str) -> Merged:
    said = scratch.merge(*_labels(part, version)).split(b"\0")
    tree, *rest = (os.fsdecode(word) for word in said)
    end = rest.index("") if "" in rest else len(rest)
    entries = scratch.entries(tree)
    stages: defaultdict[str, dict[int, Entry]] = defaultdict(dict)
    for record in rest[:end]:
        about, path = record.split("\t", 1)
        mode, oid, stage = about.split(" ")
        stages[path][int(stage)] = Entry(mode, oid)
    reasons: dict[str, str] = {}
    notes = []
    for paths, kind, text in _messages(rest[end + 1 :]):
        if kind.startswith("CONFLICT"):
            word = kind.removeprefix("CONFLICT ").strip("()")
            # The first word is the one that counts: after "binary" comes "contents" for the same file.
            reasons = {**dict.fromkeys(paths, _REASONS.get(word, word)), **reasons}
            if not any(path in stages for path in paths):
                notes.append(text.strip())
    kept = _keep_deletions(entries, stages)
    _move_back(entries, stages, f"~{_labels(part, version)[0].replace('/', '_')}")
    notes += [f"{path}: you deleted it, and the templates changed it; it stays deleted." for path in kept]
    return Merged(entries, dict(stages), reasons, tuple(notes))


def _messages(words: list[str]) -> Iterator[tuple[list[str], str, str]]:
    """Yield the (paths, kind, text) of what `merge-tree` has to say."""
    at = 0
    while at < len(words) and words[at]:
        count = int(words[at])
        paths = words[at + 1 : at + 1 + count]
        yield paths, words[at + 1 + count], words[at + 2 + count]
        at += 3 + count


def _keep_deletions(entries: Entries, stages: Stages) -> list[str]:
    """Settle the files that the team deleted and the templates changed: they stay deleted."""
    deleted = [path for path, sides in stages.items() if sides.keys() == {BASE, THEIRS}]
    for path in deleted:
        entries.pop(path, None)
        del stages[path]
    return sorted(deleted)


def _move_back(entries: Entries, stages: Stages, suffix: str) -> None:
    """Give a file of the team its name back that git moved aside for a folder which is not there after all."""
    for path in [path for path, sides in stages.items() if path.endswith(suffix) and sides.keys() == {OURS}]:
        name = path.removesuffix(suffix)
        if name not in entries and not any(other.startswith(f"{name}/") for other in entries):
            entries[name] = entries.pop(path)
            del stages[path]
