"""`dsscaffold update`: bring a repository to what its manifest says and the installed templates give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dsscaffold import __version__
from dsscaffold.templating.applying import resume, undo
from dsscaffold.templating.change import Options, Request, run_change
from dsscaffold.templating.lock import change_lock
from dsscaffold.templating.repository import open_repository
from dsscaffold.templating.results import ChangeResult


@dataclass(frozen=True)
class EndResult:
    """How the last change ended: finished after an interruption, or taken back.

    `rescued` are edited files that were set aside into `rescued_in` before they were restored.
    """

    action: str
    title: str
    conflicts: tuple[str, ...] = ()
    rescued: tuple[str, ...] = ()
    rescued_in: Path | None = None

    def to_json(self) -> dict[str, object]:
        """Return the document of `update --abort --json` and `update --continue --json`."""
        return {
            "command": f"update --{self.action}",
            "title": self.title,
            "conflicts": list(self.conflicts),
            "rescued": list(self.rescued),
            "rescuedIn": str(self.rescued_in) if self.rescued else None,
        }


def run_update(folder: Path, templates: Path | None, options: Options, *, fetch_base: bool = False) -> ChangeResult:
    """Update the project in `folder` to the installed templates, or to the folder `templates`.

    With `fetch_base` the release that rendered it is downloaded, if its templates are nowhere on this machine.

    Raises:
        DsscaffoldError: the change cannot be made; nothing is changed then.
    """
    title = f"Update to the templates of dsscaffold {__version__}"
    return run_change(folder, Request("update", title, update=True, templates=templates, fetch=fetch_base), options)


def run_abort(folder: Path, options: Options) -> EndResult:
    """Take the last change back, as long as it is not committed.

    Raises:
        DsscaffoldError: there is none, or it is committed.
    """
    repo = open_repository(folder)
    with change_lock(repo, options.on_wait):
        journal, rescued = undo(repo)
    return EndResult("abort", journal.title, (), tuple(rescued.files), rescued.folder)


def run_continue(folder: Path, options: Options) -> EndResult:
    """Finish a change that was interrupted while it wrote files.

    Raises:
        DsscaffoldError: none was; the hint names what else may be meant.
    """
    repo = open_repository(folder)
    with change_lock(repo, options.on_wait):
        journal, rescued = resume(repo)
    conflicts = tuple(sorted(journal.stages))
    return EndResult("continue", journal.title, conflicts, tuple(rescued.files), rescued.folder)
