"""The journal of a change that is being written, and of the last one: how to go back, or on, after whatever happened.

It lies in the git directory. Before the first byte of the work tree changes it says what was there and what shall be.
The index is replaced by one rename at the end; that is the moment from which the change counts as made.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from dsscaffold.templating.git import plumb
from dsscaffold.templating.repository import Entries, Entry, Repository

Stages = dict[str, dict[int, Entry]]


@dataclass(frozen=True)
class Journal:
    """A change: the trees before and after, the paths that differ, the conflicts, and the manifest as it lay there.

    Once it is `done`, somebody may be `undoing` it.
    """

    title: str
    head: str
    before: str
    after: str
    paths: tuple[str, ...]
    stages: Stages
    manifest: str
    manifest_was: bytes | None
    manifest_becomes: bytes | None
    done: bool = False
    undoing: bool = False

    def to_json(self) -> str:
        """Return the journal as text."""
        data = asdict(self)
        data["manifest_was"] = _encode(self.manifest_was)
        data["manifest_becomes"] = _encode(self.manifest_becomes)
        return json.dumps(data)


def read_journal(repo: Repository) -> Journal | None:
    """Return the journal, if there is one."""
    try:
        data = json.loads((repo.private / "journal.json").read_text())
    except FileNotFoundError:
        return None
    data["paths"] = tuple(data["paths"])
    data["stages"] = {
        path: {int(stage): Entry(*entry) for stage, entry in sides.items()} for path, sides in data["stages"].items()
    }
    for key in ("manifest_was", "manifest_becomes"):
        data[key] = None if data[key] is None else base64.b64decode(data[key])
    return Journal(**data)


def write_journal(repo: Repository, journal: Journal) -> None:
    """Write the journal, in one step."""
    write_whole(repo.private / "journal.json", journal.to_json().encode())


def drop_journal(repo: Repository) -> None:
    """Remove the journal, and what lies beside it."""
    (repo.private / "journal.json").unlink(missing_ok=True)
    # A git that was killed leaves the lock of the index that it was writing.
    for name in ("index.before", "index.work", "index.work.lock", "index.lock"):
        (repo.private / name).unlink(missing_ok=True)


def pack_of(repo: Repository) -> Path:
    """Return where the objects of the last change are kept; like the journal of one that is done, until the next."""
    return repo.private / "objects.pack"


def bring_objects_back(repo: Repository) -> None:
    """Give the repository the objects of the last change, also once `git gc` has taken them for garbage."""
    if pack_of(repo).exists():
        plumb(repo.root, "unpack-objects", "-q", stdin=pack_of(repo).read_bytes())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that at no moment there is half of it; it keeps the mode that it has."""
    beside = new_of(path)
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, beside)
    beside.replace(path)


def new_of(path: Path) -> Path:
    """Return where the new content of a file is written before it takes the old one's place."""
    return path.with_name(f".{path.name}.new")


def read_index(repo: Repository, index: Path) -> Entries:
    """Return the entries of an index file; of paths in conflict the last."""
    said = plumb(repo.root, "ls-files", "--stage", "-z", "--full-name", variables={"GIT_INDEX_FILE": str(index)})
    entries: Entries = {}
    for record in said.split(b"\0"):
        if record:
            about, path = os.fsdecode(record).split("\t", 1)
            mode, oid, _ = about.split(" ")
            entries[path] = Entry(mode, oid)
    return entries


def read_flags(repo: Repository, index: Path) -> dict[str, set[str]]:
    """Return the paths of an index file that git was told to overlook, or that a sparse checkout leaves out."""
    said = plumb(repo.root, "ls-files", "-v", "-z", "--full-name", variables={"GIT_INDEX_FILE": str(index)})
    records = [os.fsdecode(record) for record in said.split(b"\0") if record]
    return {
        "skip-worktree": {record[2:] for record in records if record[0] in "Ss"},
        "assume-unchanged": {record[2:] for record in records if record[0].islower()},
    }


def index_info(repo: Repository, paths: Iterable[str], entries: Entries, stages: Stages) -> bytes:
    """Return the lines for `update-index --index-info` that make `paths` what `entries` or `stages` say."""
    nobody = "0" * len(repo.oid(b""))
    lines = []
    for path in paths:
        lines.append(f"0 {nobody}\t{path}")
        if path in stages:
            lines += [f"{entry.mode} {entry.oid} {stage}\t{path}" for stage, entry in sorted(stages[path].items())]
        elif path in entries:
            lines.append(f"{entries[path].mode} {entries[path].oid} 0\t{path}")
    return repo.names(lines)


def _encode(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
