"""Bring the work tree back to what it was before a change, and keep what nobody else has a copy of."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from dsscaffold.templating.git import plumb
from dsscaffold.templating.journal import Journal, new_of, read_flags, read_index, write_whole
from dsscaffold.templating.repository import Entry, Repository, read_blobs, read_tree


@dataclass
class Rescued:
    """Files that hold what nobody knows, and the folder that they were set aside into: one for each time."""

    folder: Path
    files: list[str] = field(default_factory=list)

    def place(self, path: str) -> Path:
        """Return where to put a file, or a folder, of the repository."""
        self.files.append(path)
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def roll_back(repo: Repository, journal: Journal) -> Rescued:
    """Make the changed files of the work tree what the index of before says; set aside what nobody knows."""
    before = read_index(repo, repo.private / "index.before")
    after, now = read_tree(repo, journal.after), read_index(repo, repo.index)
    rescued = Rescued(_free_folder(repo.private / "rescued"))
    for path in journal.paths:
        sides = journal.stages.get(path, {}).values()
        known = {entry.oid for entry in (before.get(path), after.get(path), *sides) if entry}
        _set_aside(repo, path, now.get(path), known, rescued)
    for path in journal.paths:
        # The manifest stays until the old one takes its place: killed here, a project has to be known as one.
        if path != journal.manifest or path not in before:
            _remove(repo, path)
    variables = {"GIT_INDEX_FILE": str(repo.private / "index.before")}
    # What a sparse checkout leaves out was not there before.
    sparse = read_flags(repo, repo.private / "index.before")["skip-worktree"]
    kept = [path for path in journal.paths if path in before and path not in sparse]
    for path in kept:
        if not before[path].mode.startswith("16"):
            _make_way(repo, path, rescued)
    plumb(repo.root, "checkout-index", "-f", "-q", "-z", "--stdin", stdin=repo.names(kept), variables=variables)
    if journal.manifest_was is not None:
        write_whole(repo.root / journal.manifest, journal.manifest_was)
    new_of(repo.root / journal.manifest).unlink(missing_ok=True)
    return rescued


def _free_folder(folder: Path) -> Path:
    """Return the first of the numbered folders in `folder` that is not there: what was set aside once stays."""
    taken = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
    return folder / str(max(taken, default=0) + 1)


def _set_aside(repo: Repository, path: str, staged: Entry | None, known: set[str], rescued: Rescued) -> None:
    """Copy a file, and what is staged of it, where it is neither what was there nor what was written."""
    file, lying = repo.root / path, None
    if (file.is_symlink() or file.is_file()) and not _is_behind_link(repo, file):
        lying = _oid(repo, path, known)
        if lying not in known:
            shutil.copyfile(file, rescued.place(path), follow_symlinks=False)
    if staged and staged.oid not in {lying, *known} and not staged.mode.startswith("16"):
        (content,) = read_blobs(repo, [staged.oid])
        rescued.place(f"{path}.staged").write_bytes(content)


def _oid(repo: Repository, path: str, known: set[str]) -> str:
    """Return what git calls the content of a file; its filters are asked only if they matter."""
    file = repo.root / path
    if file.is_symlink():
        return repo.oid(os.fsencode(file.readlink()))
    data = file.read_bytes()
    oid = repo.oid(data)
    if oid in known:
        return oid
    return plumb(repo.root, "hash-object", f"--path={path}", "--stdin", stdin=data).decode().strip()


def _make_way(repo: Repository, path: str, rescued: Rescued) -> None:
    """Move away what git does not know where a file, or a folder above it, comes back; git would remove it."""
    file = repo.root / path
    for folder in reversed(file.relative_to(repo.root).parents[:-1]):
        above = repo.root / folder
        if os.path.lexists(above) and (above.is_symlink() or not above.is_dir()):
            shutil.move(above, rescued.place(str(folder)))
            return
    if file.is_dir() and not file.is_symlink() and any(not inner.is_dir() for inner in file.rglob("*")):
        shutil.move(file, rescued.place(path))


def _remove(repo: Repository, path: str) -> None:
    """Remove a file, and the folders that become empty with it."""
    file = repo.root / path
    if (file.is_symlink() or file.is_file()) and not _is_behind_link(repo, file):
        file.unlink()
        for folder in file.parents:
            if folder == repo.root or any(folder.iterdir()):
                break
            folder.rmdir()


def _is_behind_link(repo: Repository, file: Path) -> bool:
    """Return whether a folder on the way to `file` is a link, so that it is another file than git's."""
    return any(
        folder.is_symlink() for folder in file.parents if folder.is_relative_to(repo.root) and folder != repo.root
    )
