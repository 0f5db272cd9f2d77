"""`dsscaffold status`: what runs, how it is, and which templates the repository is at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsscaffold import __version__
from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.results import ServiceStatus, StatusResult
    from dsscaffold.templating.applied import Applied


@dataclass(frozen=True)
class TemplatesStatus:
    """The version of the templates that a repository is at, and of those that are installed.

    `update` tells that the installed ones are newer, or others of the same version.
    """

    version: str
    installed: str
    update: bool

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {"version": self.version, "installed": self.installed, "update": self.update}


@dataclass(frozen=True)
class StatusReport:
    """What `status` says: of all that runs, and of the templates where the repository knows its own."""

    running: StatusResult
    templates: TemplatesStatus | None

    @property
    def services(self) -> tuple[ServiceStatus, ...]:
        """Return the state of every service."""
        return self.running.services

    @property
    def healthy(self) -> bool:
        """Tell whether everything runs and is healthy."""
        return self.running.healthy

    def to_json(self) -> dict[str, object]:
        """Return the document of `status --json`."""
        return {**self.running.to_json(), "templates": self.templates.to_json() if self.templates else None}


def run_status(repo: Path) -> StatusReport:
    """Return the state of every service, and the version of the templates; nothing is rendered for it."""
    return StatusReport(backend_for(repo).status(), _templates(repo))


def _templates(repo: Path) -> TemplatesStatus | None:
    """Return what the applied state says; one that cannot be read is the business of `update`."""
    from dsscaffold.templating.applied import read_applied_in

    try:
        applied = read_applied_in(repo)
    except DsscaffoldError:
        return None
    return TemplatesStatus(applied.version, __version__, _is_behind(applied))


def _is_behind(applied: Applied) -> bool:
    from dsscaffold.project.catalogue import find_templates
    from dsscaffold.templating.archive import read_templates
    from dsscaffold.templating.origin import check_not_newer

    try:
        check_not_newer(applied)
        return applied.version != __version__ or applied.digest != read_templates(find_templates(None)).digest
    except DsscaffoldError:
        return False
