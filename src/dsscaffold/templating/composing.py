"""Put the merged parts, the manifest and the applied state together into one tree, and see what stands in its way."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dsscaffold.project.manifest import MANIFEST_NAME
from dsscaffold.templating.applied import IGNORED, is_state
from dsscaffold.templating.journal import Journal
from dsscaffold.templating.merging import Merged
from dsscaffold.templating.repository import Entries, Entry, Repository, Snapshot
from dsscaffold.templating.scratch import Commit, Scratch

_BEFORE, _AFTER, _SIDES = "result/before", "result/after", "result/sides"


@dataclass(frozen=True)
class Composed:
    """The whole repository after a change; `changes` are the paths that differ from what the team has.

    `manifest_was` is the manifest in the work tree where that is not what git has: it may be edited and not committed.
    """

    merged: Merged
    ours: Entries
    entries: Entries
    changes: tuple[str, ...]
    blobs: Mapping[str, bytes]
    manifest: str
    manifest_was: bytes | None
    manifest_becomes: bytes | None


def compose(
    scratch: Scratch, snapshot: Snapshot, merged: Merged, state: Mapping[PurePosixPath, bytes], texts: tuple[str, str]
) -> Composed:
    """Put together what `merged` holds, the files of the applied state, and the manifest (`texts`: as it is, to be)."""
    repo, ours = scratch.repo, snapshot.ours
    entries = {path: entry for path, entry in merged.entries.items() if not _is_state(repo, path)}
    blobs = dict(merged.blobs)
    for inner, data in state.items():
        if inner == IGNORED and f"{repo.prefix}{inner}" in ours:
            # A team may have added lines of its own.
            entries[f"{repo.prefix}{inner}"] = ours[f"{repo.prefix}{inner}"]
            continue
        oid = repo.oid(data)
        blobs[oid] = data
        entries[f"{repo.prefix}{inner}"] = Entry("100644", oid)
    manifest = f"{repo.prefix}{MANIFEST_NAME}"
    was, becomes = (text.encode() for text in texts)
    known = ours.get(manifest)
    oid = scratch.clean(manifest, becomes)
    entries[manifest] = Entry(known.mode if known else "100644", oid)
    dirty = known is None or (known.oid != oid if was == becomes else scratch.clean(manifest, was) != known.oid)
    changes = sorted(path for path in ours.keys() | entries.keys() if ours.get(path) != entries.get(path))
    used = {entries[path].oid for path in changes if path in entries}
    return Composed(
        merged,
        ours,
        entries,
        tuple(sorted({*changes, *merged.stages})),
        {oid: data for oid, data in blobs.items() if oid in used},
        manifest,
        was if dirty else None,
        becomes if dirty else None,
    )


def find_overlaps(scratch: Scratch, snapshot: Snapshot, composed: Composed) -> tuple[str, ...]:
    """Return the files that a change would touch and that hold work which is not committed.

    Git refuses over them again when it writes. This is for saying so before anyone is asked, and for naming them all.
    """
    repo, index = scratch.repo, snapshot.index
    copy = scratch.folder / "index.copy"
    shutil.copyfile(repo.index, copy)
    # A person may have told git to overlook a file; what is in it is work all the same.
    if seen := [path for path in composed.changes if path in snapshot.overlooked and os.path.lexists(repo.root / path)]:
        for flag in ("--no-skip-worktree", "--no-assume-unchanged"):
            scratch.in_repository("update-index", flag, "--", *seen, index=copy)
    scratch.in_repository("update-index", "-q", "--refresh", index=copy, accept=(0, 1))
    said = scratch.in_repository("diff-files", "--name-only", "-z", index=copy)
    dirty = {os.fsdecode(path) for path in said.split(b"\0")}
    found = set()
    for path in composed.changes:
        now, after = index.get(path), composed.entries.get(path)
        if now == after and path not in composed.merged.stages:
            continue
        staged = now != snapshot.ours.get(path)
        foreign = now is None and _is_foreign(repo, path, index)
        if staged or foreign or path in dirty:
            found.add(path)
    return tuple(sorted(found - {composed.manifest} if composed.manifest_was is not None else found))


def make_journal(scratch: Scratch, snapshot: Snapshot, composed: Composed, title: str) -> Journal:
    """Write the trees and hand them over to the repository; return what is to be done with them."""
    stages, after = composed.merged.stages, composed.entries
    sides = {f"{number}": entry for number, entry in enumerate(_blobs_of(stages))}
    if snapshot.pending:
        # What the index holds has its files in the repository, but not its folders.
        scratch.write([Commit(_BEFORE, snapshot.ours)], {})
    before = scratch.tree(_BEFORE if snapshot.pending else scratch.repo.head)
    changed = {path: after[path] for path in composed.changes if path in after}
    deleted = tuple(path for path in composed.changes if path not in after and path in snapshot.ours)
    commits = [Commit(_AFTER, changed, start=before, deleted=deleted), Commit(_SIDES, sides)]
    scratch.write(commits, composed.blobs)
    scratch.hand_over(_AFTER, _SIDES, before if snapshot.pending else f"^{before}")
    return Journal(
        title=title,
        head=scratch.repo.head,
        before=before,
        after=scratch.tree(_AFTER),
        paths=composed.changes,
        stages=stages,
        manifest=composed.manifest,
        manifest_was=composed.manifest_was,
        manifest_becomes=composed.manifest_becomes,
    )


def _blobs_of(stages: Mapping[str, Mapping[int, Entry]]) -> list[Entry]:
    return [entry for sides in stages.values() for entry in sides.values() if not entry.mode.startswith("16")]


def _is_state(repo: Repository, path: str) -> bool:
    return path.startswith(repo.prefix) and is_state(PurePosixPath(path[len(repo.prefix) :]))


def _is_foreign(repo: Repository, path: str, index: Entries) -> bool:
    """Return whether something that git does not track lies at `path`, or where a folder above it has to be."""
    target = repo.root / path
    for depth in range(1, path.count("/") + 1):
        folder = "/".join(path.split("/")[:depth])
        at = repo.root / folder
        if os.path.lexists(at) and (at.is_symlink() or not at.is_dir()):
            return folder not in index
    if not os.path.lexists(target):
        return False
    if target.is_dir() and not target.is_symlink():
        return any(str(file.relative_to(repo.root)) not in index for file in target.rglob("*") if not file.is_dir())
    return True
