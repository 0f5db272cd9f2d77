"""A git repository as a merge sees it: where its pieces lie, what HEAD and the index hold, and whether it is free."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.git import GitRefusalError, check_version, plumb

#: The folder of the applied state, and the manifest: they belong to dsscaffold and to no part.
STATE = ".dsscaffold"


class Entry(NamedTuple):
    """What git keeps for a path: a mode such as "100644", and the name of the object."""

    mode: str
    oid: str


#: Paths relative to the work tree's root; bytes that are no UTF-8 are surrogates, as `os.fsdecode` makes them.
Entries = dict[str, Entry]


@dataclass(frozen=True)
class Repository:
    """A work tree and its git directory. `prefix` is where in it the project lies: "" or "some/folder/"."""

    root: Path
    prefix: str
    git_dir: Path
    objects: Path
    index: Path
    attributes: Path
    config: tuple[Path, ...]
    object_format: str
    head: str

    @property
    def project(self) -> Path:
        """Return the folder of the project."""
        return self.root / self.prefix

    @property
    def private(self) -> Path:
        """Return the folder inside the git directory that is ours: lock and journal."""
        return self.git_dir / "dsscaffold"

    def oid(self, data: bytes) -> str:
        """Return the name that git gives to a file with this content."""
        return hashlib.new(self.object_format, b"blob %d\0" % len(data) + data).hexdigest()

    def names(self, paths: Iterable[str]) -> bytes:
        """Return paths as git reads them on its standard input with -z."""
        return b"".join(os.fsencode(path) + b"\0" for path in paths)


@dataclass(frozen=True)
class Snapshot:
    """HEAD and the index at one moment.

    `ours` is what the team has: HEAD, or the index where it holds a result of ours that is not committed yet.
    `overlooked` are files whose edits git was told not to see, or that a sparse checkout leaves out.
    """

    head: Entries
    index: Entries
    pending: bool
    overlooked: frozenset[str] = frozenset()

    @property
    def ours(self) -> Entries:
        """Return the side of the team."""
        return self.index if self.pending else self.head

    @property
    def staged(self) -> bool:
        """Return whether the index differs from HEAD."""
        return self.head != self.index


def open_repository(folder: Path) -> Repository:
    """Open the repository that `folder`, a generated project, lies in.

    Raises:
        DsscaffoldError: there is none, it has no commit yet, or git is too old.
    """
    check_version()
    inside = ("objects", "index", "info/attributes", "config", "config.worktree")
    asked = ["--show-toplevel", "--git-dir", *(word for name in inside for word in ("--git-path", name))]
    try:
        said = plumb(folder, "rev-parse", "--path-format=absolute", *asked, "--show-object-format", "--show-prefix")
    except GitRefusalError as error:
        raise _unusable(folder, error.said) from error
    lines = os.fsdecode(said).split("\n")
    root, git_dir, objects, index, attributes, config, own_config = (Path(line) for line in lines[:7])
    head = plumb(folder, "rev-parse", "--quiet", "--verify", "HEAD^{commit}", accept=(0, 1, 128)).decode().strip()
    if not head:
        hint = "Make the first one: git add --all && git commit -m 'As it stands'"
        raise DsscaffoldError("This repository has no commit yet, so nothing could be merged or restored.", hint)
    configs = tuple(path for path in (config, own_config) if path.is_file())
    return Repository(root, lines[8], git_dir, objects, index, attributes, configs, lines[7], head)


def _unusable(folder: Path, said: str) -> DsscaffoldError:
    first = said.splitlines()[0].removeprefix("fatal: ") if said else "git does not say why"
    hint = "Make it one: git init && git add --all && git commit -m 'As it stands'"
    if "dubious ownership" in first:
        hint = f"It belongs to another user. If you trust it: git config --global --add safe.directory {folder}"
    return DsscaffoldError(f"{folder} is not a git repository that can be used: {first}.", hint)


def take_snapshot(repo: Repository) -> Snapshot:
    """Read HEAD and the index.

    Raises:
        DsscaffoldError: a merge of git's or ours waits to be finished.
    """
    _refuse_unfinished(repo)
    head = read_tree(repo, repo.head)
    index: Entries = {}
    unmerged, overlooked = set(), set()
    for record in _records(plumb(repo.root, "ls-files", "--stage", "-v", "-z", "--full-name")):
        about, path = record.split("\t", 1)
        tag, mode, oid, stage = about.split(" ")
        index[path] = Entry(mode, oid)
        if tag == "S" or tag.islower():
            overlooked.add(path)
        if stage != "0":
            unmerged.add(path)
    if unmerged:
        raise DsscaffoldError(
            f"Conflicts are not resolved yet: {', '.join(sorted(unmerged))}.",
            "Edit the files, then: git add --all && git commit. Or abort: git reset --merge",
        )
    own = f"{repo.prefix}{STATE}/"
    pending = _below(head, own) != _below(index, own)
    return Snapshot(head, index, pending, frozenset(overlooked))


def read_tree(repo: Repository, tree: str) -> Entries:
    """Return every file of a tree."""
    return parse_tree(plumb(repo.root, "ls-tree", "-r", "-z", "--full-tree", tree))


def parse_tree(listed: bytes) -> Entries:
    """Return what `git ls-tree -r -z` listed."""
    entries: Entries = {}
    for record in _records(listed):
        about, path = record.split("\t", 1)
        mode, _, oid = about.split(" ")
        entries[path] = Entry(mode, oid)
    return entries


def read_blobs(repo: Repository, oids: Iterable[str]) -> list[bytes]:
    """Return the contents of files as git keeps them."""
    asked = "".join(f"{oid}\n" for oid in oids)
    return parse_blobs(plumb(repo.root, "cat-file", "--batch", stdin=asked.encode())) if asked else []


def parse_blobs(said: bytes) -> list[bytes]:
    """Return what `git cat-file --batch` printed, as contents."""
    contents = []
    while said:
        head, _, said = said.partition(b"\n")
        size = int(head.split()[-1])
        contents.append(said[:size])
        said = said[size + 1 :]
    return contents


def ignored(repo: Repository, paths: Iterable[str]) -> set[str]:
    """Return those of `paths`, tracked or not, that the repository's ignore rules match."""
    asked = repo.names(path for path in paths if not _beyond_link(repo.root, path))
    said = plumb(repo.root, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked, accept=(0, 1))
    return set(_records(said))


def _beyond_link(root: Path, path: str) -> bool:
    """Return whether a folder on the way is a link or another repository: git refuses to say anything about those."""
    parents = [root.joinpath(*path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
    return any(parent.is_symlink() or (parent / ".git").exists() for parent in parents)


def _below(entries: Entries, folder: str) -> Entries:
    return {path: entry for path, entry in entries.items() if path.startswith(folder)}


def _records(said: bytes) -> list[str]:
    return [os.fsdecode(record) for record in said.split(b"\0") if record]


def _refuse_unfinished(repo: Repository) -> None:
    # Where a rebase stops, it is in the middle of one of its picks: that would be asked about as one, and ended wrong.
    for name, verb in (("rebase-merge", "rebase"), ("rebase-apply/applying", "am"), ("rebase-apply", "rebase")):
        if (repo.git_dir / name).exists():
            raise DsscaffoldError(
                f"A git {verb} is not finished here.",
                f"Finish it: git {verb} --continue, or abort it: git {verb} --abort",
            )
    for name, verb in (("MERGE_HEAD", "merge"), ("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")):
        if (repo.git_dir / name).exists():
            raise DsscaffoldError(
                f"A git {verb} is not finished here.", f"Finish it with git commit, or abort it: git {verb} --abort"
            )
