"""Write a planned change into the work tree and the index, and take it back.

The order makes it safe to be killed anywhere: objects, journal, lock of the index, work tree, index (one rename).
As long as the old index stands, it says what the work tree was; so going back needs nothing else.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.git import GitRefusalError, plumb
from dsscaffold.templating.journal import (
    Journal,
    bring_objects_back,
    drop_journal,
    index_info,
    read_flags,
    read_index,
    read_journal,
    write_journal,
    write_whole,
)
from dsscaffold.templating.repository import Repository, read_tree
from dsscaffold.templating.rollback import Rescued, roll_back

CONTINUE = "dsscaffold update --continue"
ABORT = "dsscaffold update --abort"
RESET = "git reset --merge"

_OVERLAP = re.compile(r"^error: (?:Entry|Untracked working tree file|Updating) '(.+?)' ", re.MULTILINE)


def write_change(repo: Repository, journal: Journal) -> None:
    """Make the change that `journal` describes; its objects are in the repository.

    Raises:
        DsscaffoldError: a file in the way is dirty or not in git, git is at work, or something in the way of writing,
            such as a full disk or a filter that fails: nothing is changed then.
    """
    drop_journal(repo)
    work = repo.private / "index.work"
    shutil.copyfile(repo.index, repo.private / "index.before")
    write_journal(repo, journal)
    try:
        with _index_lock(repo) as publish:
            shutil.copyfile(repo.index, work)
            _fill_index(repo, journal, work)
            publish(work)
    except BaseException:
        if work.exists() and not _is_published(repo, journal):
            roll_back(repo, journal)
        drop_journal(repo)
        raise
    write_journal(repo, replace(journal, done=True))


def check_interrupted(repo: Repository) -> None:
    """Refuse to go on where a change was cut off half-way. The caller holds our lock, so nobody is at it now.

    Raises:
        DsscaffoldError: it was; the hint says how to finish it and how to abort it.
    """
    journal = read_journal(repo)
    if journal is None or (journal.done and not journal.undoing):
        return
    bring_objects_back(repo)
    if journal.undoing:
        if not _is_taken_back(repo, journal):
            raise _half_undone(journal)
        drop_journal(repo)
    elif not (repo.private / "index.work").exists():
        # Cut off before the work tree was touched.
        _unlock(repo)
        drop_journal(repo)
    elif not _is_published(repo, journal):
        raise DsscaffoldError(
            f"{journal.title!r} was interrupted while it wrote files.",
            f"Finish it: {CONTINUE}\n       Or go back to what was there before: {ABORT}",
        )


def resume(repo: Repository) -> tuple[Journal, Rescued]:
    """Finish the change that was cut off; return it, and the edited files that were set aside.

    Raises:
        DsscaffoldError: none was, or the branch has moved since.
    """
    journal = read_journal(repo)
    bring_objects_back(repo)
    if journal and journal.undoing:
        raise _half_undone(journal)
    if journal is None or journal.done or _is_published(repo, journal):
        raise DsscaffoldError(
            "No change was interrupted here.", "Conflicts? Edit the files, then: git add --all && git commit"
        )
    if repo.head != journal.head:
        raise DsscaffoldError(
            f"The branch has moved since {journal.title!r} was interrupted.",
            f"Go back to where it was: git checkout {journal.head[:12]}\n       Or give it up: {ABORT}",
        )
    rescued = roll_back(repo, journal)
    _unlock(repo)
    write_change(repo, journal)
    return journal, rescued


def undo(repo: Repository) -> tuple[Journal, Rescued]:
    """Take the last change back, also a half-written one; return it, and the edited files that were set aside.

    Raises:
        DsscaffoldError: there is none, or it is committed, or was taken back in another way.
    """
    journal = read_journal(repo)
    if journal is None:
        raise DsscaffoldError("There is no change to abort.", "Committed ones are taken back with: git revert")
    _check_undoable(repo, journal)
    bring_objects_back(repo)
    if journal.done:
        write_journal(repo, replace(journal, undoing=True))
    rescued = roll_back(repo, journal)
    _unlock(repo)
    before = read_index(repo, repo.private / "index.before")
    work = repo.private / "index.work"
    variables = {"GIT_INDEX_FILE": str(work)}
    work.with_name("index.work.lock").unlink(missing_ok=True)
    with _index_lock(repo) as publish:
        # What else was staged since then stays as it is.
        shutil.copyfile(repo.index, work)
        lines = index_info(repo, journal.paths, before, {})
        plumb(repo.root, "update-index", "-z", "--index-info", stdin=lines, variables=variables)
        for flag, paths in read_flags(repo, repo.private / "index.before").items():
            stdin = repo.names(paths & set(journal.paths))
            plumb(repo.root, "update-index", f"--{flag}", "-z", "--stdin", stdin=stdin, variables=variables)
        plumb(repo.root, "update-index", "-q", "--refresh", variables=variables, accept=(0, 1))
        publish(work)
    drop_journal(repo)
    return journal, rescued


def _check_undoable(repo: Repository, journal: Journal) -> None:
    if repo.head != journal.head and not (journal.done and not journal.undoing):
        # Whoever went on from there has what it wrote in sight; nothing of theirs may be taken for it.
        _unlock(repo)
        drop_journal(repo)
        raise DsscaffoldError(
            f"The branch has moved since {journal.title!r} was interrupted, so it is given up. Nothing was changed.",
            "What it left behind, if anything: git status",
        )
    if repo.head != journal.head:
        raise DsscaffoldError(
            f"{journal.title!r} is committed, or the branch has moved since.",
            "Take a commit back with: git revert HEAD",
        )
    if journal.done and not journal.undoing and _is_taken_back(repo, journal):
        drop_journal(repo)
        raise DsscaffoldError(
            f"There is no change to abort: {journal.title!r} was taken back already.", "What is there now: git status"
        )


def _half_undone(journal: Journal) -> DsscaffoldError:
    return DsscaffoldError(f"Taking back {journal.title!r} was interrupted.", f"Finish that: {ABORT}")


def overlaps(said: str) -> list[str]:
    """Return the files that git names as being in the way."""
    return sorted(set(_OVERLAP.findall(said)))


def in_the_way(paths: list[str], overlooked: Collection[str] = ()) -> DsscaffoldError:
    """Build the error for files that hold changes nobody has committed; git was told to overlook some of them."""
    shown = ", ".join(paths[:10]) + (f" and {len(paths) - 10} more" if len(paths) > 10 else "")
    hint = "Commit them, or put them aside with: git stash --include-untracked"
    if hidden := [path for path in paths if path in overlooked]:
        words = "git update-index --no-skip-worktree --no-assume-unchanged"
        hint += f"\n       Git was told to overlook some; let it see them: {words} -- {shlex.join(hidden)}"
    return DsscaffoldError(
        f"This would change files that hold work which is not committed: {shown}. Nothing was changed.", hint
    )


def _fill_index(repo: Repository, journal: Journal, work: Path) -> None:
    """Write the work tree, and into `work` the index that goes with it."""
    variables = {"GIT_INDEX_FILE": str(work)}
    if journal.manifest_was is not None and journal.manifest_becomes is not None:
        after = read_tree(repo, journal.after)
        write_whole(repo.root / journal.manifest, journal.manifest_becomes)
        lines = index_info(repo, [journal.manifest], after, {})
        plumb(repo.root, "update-index", "-z", "--index-info", stdin=lines, variables=variables)
    plumb(repo.root, "update-index", "-q", "--refresh", variables=variables, accept=(0, 1))
    try:
        plumb(repo.root, "read-tree", "-m", "-u", journal.before, journal.after, variables=variables)
    except GitRefusalError as error:
        if found := overlaps(error.said):
            # Git has looked at all of them before it writes the first.
            if journal.manifest_was is not None:
                write_whole(repo.root / journal.manifest, journal.manifest_was)
            work.unlink()
            raise in_the_way(found) from error
        raise
    if journal.stages:
        _mark_conflicts(repo, journal, variables)


def _mark_conflicts(repo: Repository, journal: Journal, variables: dict[str, str]) -> None:
    after = read_tree(repo, journal.after)
    there = [path for path in journal.stages if path in after]
    # A sparse checkout leaves files out; one in conflict has to be there to be edited.
    plumb(
        repo.root, "update-index", "-z", "--no-skip-worktree", "--stdin", stdin=repo.names(there), variables=variables
    )
    missing = [path for path in there if not os.path.lexists(repo.root / path)]
    plumb(repo.root, "checkout-index", "-z", "--stdin", stdin=repo.names(missing), variables=variables)
    lines = index_info(repo, journal.stages, {}, journal.stages)
    plumb(repo.root, "update-index", "-z", "--index-info", stdin=lines, variables=variables)


@contextmanager
def _index_lock(repo: Repository) -> Iterator[_Publish]:
    """Hold git's own lock of the index, so that nobody changes it meanwhile; what is published replaces the index."""
    lock = repo.index.with_name(f"{repo.index.name}.lock")
    ours = repo.private / "index.lock"
    # Never write into a file that is there: once published, it is the index itself under a second name.
    ours.unlink(missing_ok=True)
    ours.write_bytes(b"")
    try:
        # A second name of a file that is known to be ours: after a crash that tells it from a lock of git's.
        os.link(ours, lock)
    except FileExistsError as error:
        raise DsscaffoldError(
            "Git is at work in this repository: its index is locked.", f"Wait for it; if nothing runs: rm {lock}"
        ) from error
    except OSError as error:
        raise DsscaffoldError(
            f"{lock} cannot be made: {error.strerror}.",
            "Is there room, and may you write there? The file system also has to know hard links: exFAT does not.",
        ) from error
    try:
        yield _Publish(repo, lock)
    finally:
        if lock.exists() and lock.samefile(ours):
            lock.unlink()
        ours.unlink()


class _Publish:
    """Replace the index by a file, in one step."""

    def __init__(self, repo: Repository, lock: Path) -> None:
        self._repo = repo
        self._lock = lock

    def __call__(self, work: Path) -> None:
        with self._lock.open("r+b") as file:
            file.write(work.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(self._repo.index, self._lock)
        self._lock.replace(self._repo.index)


def _unlock(repo: Repository) -> None:
    """Remove a lock of the index that a killed run of ours left behind."""
    lock = repo.index.with_name(f"{repo.index.name}.lock")
    ours = repo.private / "index.lock"
    if lock.exists() and ours.exists() and lock.samefile(ours):
        lock.unlink()


def _is_published(repo: Repository, journal: Journal) -> bool:
    """Return whether the index is the one of after: it changes in one step, so one differing path tells."""
    before, now = read_tree(repo, journal.before), read_index(repo, repo.index)
    after = read_tree(repo, journal.after)
    telling = [path for path in journal.paths if before.get(path) != after.get(path) and path not in journal.stages]
    return bool(telling) and all(now.get(path) == after.get(path) for path in telling)


def _is_taken_back(repo: Repository, journal: Journal) -> bool:
    """Return whether the index is the one of before again, as after `git reset`."""
    before, now = read_index(repo, repo.private / "index.before"), read_index(repo, repo.index)
    return all(now.get(path) == before.get(path) for path in journal.paths)
