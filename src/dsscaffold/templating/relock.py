"""Lock files are not merged but written anew, from the merged manifest of their package."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.lockers import LOCKERS, Locker
from dsscaffold.templating.merging import BASE, OURS, THEIRS, Merged, is_simple
from dsscaffold.templating.repository import Entries, Entry
from dsscaffold.templating.scratch import Scratch
from dsscaffold.templating.sides import Part, Sides
from dsscaffold.templating.temporary import work_folder


@dataclass(frozen=True)
class _Job:
    """A lock file that neither side's can stand for, since both sides changed what decides over it."""

    part: Part
    path: str
    locker: Locker

    @property
    def manifest(self) -> str:
        return str(PurePosixPath(self.path).with_name(self.locker.manifest))

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.path).parent)

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def relock(scratch: Scratch, sides: Sides, merged: Merged, *, dry_run: bool) -> Merged:
    """Lock again where both sides changed the packages; where that cannot be done, leave a conflict with the command.

    A dry run only says what it would do: locking asks the package registry, and takes seconds.
    """
    for part in sides.parts:
        if is_simple(part):
            continue
        for path in sorted(part.ours.keys() & part.theirs.keys()):
            locker = next((each for each in LOCKERS if each.owns(PurePosixPath(path).name)), None)
            if locker:
                job = _Job(part, path, locker)
                if _is_needed(scratch, merged, job):
                    merged = _foreseen(merged, job) if dry_run else _relocked(scratch, merged, job)
    return merged


def _is_needed(scratch: Scratch, merged: Merged, job: _Job) -> bool:
    if job.path not in merged.entries or job.manifest not in merged.entries:
        return False
    if job.path in merged.stages:
        return True
    sides = (job.part.ours, job.part.theirs)
    both = (job.manifest, job.path)
    # Files that are as one side has them need no look into them.
    if any(all(side.get(path) == merged.entries[path] for path in both) for side in sides):
        return False
    wanted = _pair(scratch, merged.entries, job)
    return all(_pair(scratch, side, job) != wanted for side in sides)


def _pair(scratch: Scratch, entries: Entries, job: _Job) -> tuple[object, Entry]:
    """Return what a manifest says about packages, and its lock file."""
    manifest = entries.get(job.manifest)
    says = job.locker.dependencies(scratch.blob(manifest.oid)) if manifest else None
    return says, entries[job.path]


def _foreseen(merged: Merged, job: _Job) -> Merged:
    return _settled(merged, job, f"{job.path}: both changed the packages; it would be locked again.")


def _relocked(scratch: Scratch, merged: Merged, job: _Job) -> Merged:
    lock = scratch.blob(merged.entries[job.path].oid).decode(errors="replace")
    command = job.locker.command(job.name, _text(scratch, job.part.theirs, job))
    again = f"(cd {job.folder} && {command})"
    if job.manifest in merged.stages:
        return _conflict(merged, job, f"resolve {job.manifest} first, then: {again}")
    try:
        data = _lock(scratch, merged, job, lock)
    except DsscaffoldError as error:
        return _conflict(merged, job, f"it could not be locked again ({error.message}); do it with: {again}")
    if lost := _lost(scratch, job, data.decode(errors="replace")):
        shown = f"{PurePosixPath(job.manifest).name} does not ask for {', '.join(lost)}, which you put here by hand"
        return _conflict(merged, job, f"{shown}; add it there, then: {again}")
    mode = merged.entries[job.path].mode
    merged.entries[job.path] = Entry(mode, scratch.clean(job.path, data))
    return _settled(merged, job, f"{job.path}: both changed the packages; it was locked again.")


def _lock(scratch: Scratch, merged: Merged, job: _Job, lock: str) -> bytes:
    with work_folder() as folder:
        for companion in (job.locker.manifest, *job.locker.companions):
            entry = merged.entries.get(str(PurePosixPath(job.path).with_name(companion)))
            if entry and entry.mode.startswith("100"):
                (folder / companion).write_bytes(scratch.blob(entry.oid))
        base, ours, theirs = (_text(scratch, side, job) for side in (job.part.base, job.part.ours, job.part.theirs))
        (folder / job.name).write_text(job.locker.prepare(base, ours, theirs, lock))
        job.locker.lock(folder, job.name)
        return (folder / job.name).read_bytes()


def _lost(scratch: Scratch, job: _Job, lock: str) -> list[str]:
    """Return what the team wrote into its lock file by hand and would not be in the new one."""
    ours = job.locker.written(_text(scratch, job.part.ours, job))
    base = job.locker.written(_text(scratch, job.part.base, job))
    return sorted(ours - base - job.locker.written(lock))


def _text(scratch: Scratch, side: Entries, job: _Job) -> str:
    return scratch.blob(side[job.path].oid).decode(errors="replace") if job.path in side else ""


def _settled(merged: Merged, job: _Job, note: str) -> Merged:
    merged.stages.pop(job.path, None)
    return replace(merged, notes=(*merged.notes, note))


def _conflict(merged: Merged, job: _Job, reason: str) -> Merged:
    sides = {BASE: job.part.base, OURS: job.part.ours, THEIRS: job.part.theirs}
    merged.stages.setdefault(job.path, {number: side[job.path] for number, side in sides.items() if job.path in side})
    merged.reasons[job.path] = reason
    return merged
