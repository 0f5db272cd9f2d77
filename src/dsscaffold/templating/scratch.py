"""A git directory of our own, beside the repository, in which every merge is computed.

It borrows the repository's objects and settings and keeps what it makes to itself. So planning leaves nothing behind
in the repository, not even a reference or an object, whatever happens to us on the way.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dsscaffold.templating.git import plumb
from dsscaffold.templating.journal import bring_objects_back, pack_of, write_whole
from dsscaffold.templating.repository import Entries, Repository, parse_blobs, parse_tree
from dsscaffold.templating.temporary import work_folder

_WHO = b"dsscaffold <dsscaffold@localhost> 0 +0000"
#: Ask for rename detection whatever the person configured: without it an edit of a file that moves is lost.
_RENAMES = ("-c", "merge.directoryRenames=true", "-c", "merge.renames=true", "-c", "merge.renameLimit=20000")


@dataclass(frozen=True)
class Commit:
    """A commit to make: a reference, the files in it, and the reference of its parent.

    With a tree to `start` from, `entries` are only the files that it has otherwise, and `deleted` those it has not.
    """

    ref: str
    entries: Entries
    parent: str | None = None
    start: str | None = None
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scratch:
    """The git directory `folder`, in which objects of `repo` can be read."""

    repo: Repository
    folder: Path

    def write(self, commits: list[Commit], blobs: Mapping[str, bytes]) -> None:
        """Make commits whose entries name objects of the repository, of earlier writes, or one of `blobs`."""
        stream: list[bytes] = []
        marks: dict[str, bytes] = {}
        for number, (oid, data) in enumerate(blobs.items(), 1):
            marks[oid] = b":%d" % number
            stream.append(b"blob\nmark :%d\ndata %d\n" % (number, len(data)) + data + b"\n")
        for commit in commits:
            stream += _commit(commit, marks)
        # One pack is written, and removed with the rest, sooner than a file for each object.
        quick = ("-c", "core.compression=0", "-c", "fastimport.unpackLimit=1")
        self.run(*quick, "fast-import", "--quiet", "--force", stdin=b"".join(stream))

    def merge(self, ours: str, theirs: str) -> bytes:
        """Merge two references and return what `git merge-tree -z` says; their names become the labels."""
        return self.run(*_RENAMES, "merge-tree", "--write-tree", "-z", "--messages", ours, theirs, accept=(0, 1))

    def merge_file(self, ours: bytes, base: bytes, theirs: bytes) -> bytes:
        """Merge three texts; conflicts carry all three sides (the style diff3)."""
        names = ("ours", "base", "theirs")
        for name, data in zip(names, (ours, base, theirs), strict=True):
            (self.folder / name).write_bytes(data)
        files = (str(self.folder / name) for name in names)
        # It ends with the number of conflicts.
        return self.run("merge-file", "-p", "--diff3", *files, accept=tuple(range(128)))

    def entries(self, tree: str) -> Entries:
        """Return every file of a tree."""
        return parse_tree(self.run("ls-tree", "-r", "-z", "--full-tree", tree))

    def tree(self, revision: str) -> str:
        """Return the name of the tree of a commit, or of what a reference of ours names."""
        return self.run("rev-parse", "--verify", f"{revision}^{{tree}}").decode().strip()

    def blob(self, oid: str) -> bytes:
        """Return the content of a file."""
        return self.run("cat-file", "blob", oid)

    def blobs(self, *oids: str) -> list[bytes]:
        """Return the contents of files, by one start of git."""
        return parse_blobs(self.run("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode()))

    def clean(self, path: str, data: bytes) -> str:
        """Keep `data` as git would on adding it at `path`, filters applied, and return its name."""
        plain = ("-c", "core.autocrlf=false", "hash-object", "-w", "--stdin", f"--path={path}")
        variables = {"GIT_OBJECT_DIRECTORY": str(self.folder / "objects"), **self._borrowed()}
        return plumb(self.repo.root, *plain, stdin=data, variables=variables).decode().strip()

    def keep(self, data: bytes) -> str:
        """Keep `data`, which was made of what git holds and so needs no filter, as it is; return its name."""
        return self.run("hash-object", "-w", "--no-filters", "--stdin", stdin=data).decode().strip()

    def hand_over(self, *revisions: str) -> None:
        """Copy the objects of `revisions` ("^ref" for those that are there already) into the repository.

        The pack is kept beside the journal: nothing names these objects before they are committed, so `git gc` may go.
        """
        asked = "".join(f"{revision}\n" for revision in revisions)
        # Looking for deltas costs more than it saves: the pack is taken apart at once.
        pack = self.run("pack-objects", "--revs", "--stdout", "--window=0", "-q", stdin=asked.encode())
        write_whole(pack_of(self.repo), pack)
        bring_objects_back(self.repo)

    def in_repository(self, *arguments: str, index: Path, accept: tuple[int, ...] = (0,)) -> bytes:
        """Run git on the repository itself with another index, and with our objects in sight."""
        variables = {"GIT_INDEX_FILE": str(index), **self._borrowed(self.folder / "objects")}
        return plumb(self.repo.root, *arguments, variables=variables, accept=accept)

    def run(self, *arguments: str, stdin: bytes = b"", accept: tuple[int, ...] = (0,)) -> bytes:
        """Run git in here; attributes are those of the repository's work tree."""
        variables = {
            "GIT_DIR": str(self.folder),
            "GIT_WORK_TREE": str(self.repo.root),
            "GIT_INDEX_FILE": str(self.repo.index),
        }
        return plumb(self.repo.root, *arguments, stdin=stdin, variables=variables, accept=accept)

    def _borrowed(self, objects: Path | None = None) -> dict[str, str]:
        return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(objects or self.repo.objects)}


@contextmanager
def open_scratch(repo: Repository) -> Iterator[Scratch]:
    """Make a scratch directory for `repo` and remove it at the end."""
    with work_folder() as folder:
        for part in ("objects/info", "refs", "info"):
            (folder / part).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        (folder / "objects/info/alternates").write_bytes(os.fsencode(repo.objects) + b"\n")
        (folder / "config").write_text(_config(repo), errors="surrogateescape")
        if repo.attributes.is_file():
            shutil.copyfile(repo.attributes, folder / "info/attributes")
        yield Scratch(repo, folder)


def _config(repo: Repository) -> str:
    version = 0 if repo.object_format == "sha1" else 1
    text = f"[core]\n\trepositoryformatversion = {version}\n"
    if version:
        text += f"[extensions]\n\tobjectFormat = {repo.object_format}\n"
    # The team's merge drivers and conflict style hold here too.
    for path in repo.config:
        quoted = str(path).replace("\\", "\\\\").replace('"', '\\"')
        text += f'[include]\n\tpath = "{quoted}"\n'
    # What is lost with the machine is of no use after it either: nothing here has to reach the disk.
    return text + "[core]\n\tbare = false\n\tfsync = none\n"


def _commit(commit: Commit, marks: dict[str, bytes]) -> Iterator[bytes]:
    yield b"commit refs/%s\ncommitter %s\ndata 0\n" % (os.fsencode(commit.ref), _WHO)
    if commit.parent:
        yield b"from refs/%s\n" % os.fsencode(commit.parent)
    yield b'M 040000 %s ""\n' % commit.start.encode() if commit.start else b"deleteall\n"
    for path in commit.deleted:
        yield b"D %s\n" % _quoted_path(path)
    for path, entry in commit.entries.items():
        where = marks.get(entry.oid, entry.oid.encode())
        yield b"M %s %s %s\n" % (entry.mode.encode(), where, _quoted_path(path))
    yield b"\n"


def _quoted_path(path: str) -> bytes:
    raw = os.fsencode(path)
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def _quoted(path: Path) -> str:
    """Return a path for a list that git splits at colons."""
    text = str(path)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if ":" in text or '"' in text else text
