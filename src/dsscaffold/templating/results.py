"""What a verb that changes a repository returns."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from dsscaffold.templating.applied import Applied
from dsscaffold.templating.applying import ABORT, RESET
from dsscaffold.templating.composing import Composed
from dsscaffold.templating.merging import Conflict
from dsscaffold.templating.state import State

Status = Literal["added", "changed", "deleted", "conflict"]


class Asked(Protocol):
    """The names of a request."""

    @property
    def command(self) -> str:
        """Return the verb."""

    @property
    def title(self) -> str:
        """Return what it does, as a commit's first line."""


@dataclass(frozen=True)
class ChangedFile:
    """A file that a change touches."""

    path: str
    status: Status


@dataclass(frozen=True)
class ChangeResult:
    """A change that was made, or would be with `dry_run`: the result is staged, and committed if that was asked for.

    `in_the_way` are files with work that is not committed; a change that would touch them is refused. Paths begin at
    the work tree's root; git takes them from there with `anchor` in front, wherever the person is.
    """

    command: str
    title: str
    version_from: str
    version_to: str
    templates_changed: bool
    files: tuple[ChangedFile, ...]
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]
    in_the_way: tuple[str, ...]
    abort: str
    anchor: str = ""
    dry_run: bool = False
    committed: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Return whether nothing is left for a person to resolve."""
        return not self.conflicts and not (self.dry_run and self.in_the_way)

    @property
    def go_on(self) -> tuple[str, ...]:
        """Return the commands that finish the change."""
        if not self.files or self.committed or self.dry_run:
            return ()
        commit = f"git commit -m {shlex.quote(self.title)}"
        if not self.conflicts:
            return (commit,)
        return (f"git add -- {shlex.join(self.anchor + conflict.path for conflict in self.conflicts)}", commit)

    def to_json(self) -> dict[str, object]:
        """Return the document of `--json`."""
        return {
            "command": self.command,
            "title": self.title,
            "dryRun": self.dry_run,
            "changed": bool(self.files),
            "committed": self.committed,
            "version": {"from": self.version_from, "to": self.version_to},
            "templatesChanged": self.templates_changed,
            "files": [{"path": file.path, "status": file.status} for file in self.files],
            "conflicts": [{"path": conflict.path, "reason": conflict.reason} for conflict in self.conflicts],
            "notes": list(self.notes),
            "inTheWay": list(self.in_the_way),
            "continue": list(self.go_on),
            "abort": self.abort if self.files and not self.dry_run and not self.committed else None,
            "seconds": round(self.seconds, 3),
        }


def make_result(
    request: Asked, state: State, target: Applied, composed: Composed, overlaps: tuple[str, ...]
) -> ChangeResult:
    """Put together what is to be said about a change."""
    skipped = (f"{path}: git ignores it, so it is left as it is." for path in composed.merged.ignored)
    return ChangeResult(
        command=request.command,
        title=request.title,
        version_from=state.applied.version,
        version_to=target.version,
        templates_changed=state.applied.digest != target.digest,
        files=tuple(ChangedFile(path, _status(composed, path)) for path in composed.changes),
        conflicts=composed.merged.conflicts,
        notes=(*composed.merged.notes, *skipped),
        in_the_way=overlaps,
        # Git's own way back also drops what was staged before; ours is exact then too.
        abort=ABORT if state.snapshot.staged or composed.manifest_was is not None else RESET,
        anchor="" if Path.cwd() == state.repo.root else ":/",
    )


def _status(composed: Composed, path: str) -> Status:
    if path in composed.merged.stages:
        return "conflict"
    if path not in composed.entries:
        return "deleted"
    return "changed" if path in composed.ours else "added"
