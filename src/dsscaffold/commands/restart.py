"""`dsscaffold restart`: stop and start single services of a repository that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.results import ChangeResult


def run_restart(repo: Path, services: tuple[str, ...], *, on_event: OnEvent) -> ChangeResult:
    """Start services again as compose.yaml describes them now; return when they are healthy or have failed.

    Raises:
        DsscaffoldError: nothing runs, or there is no such service.
    """
    return backend_for(repo).restart(services, on_event)
