"""`dsscaffold down`: stop everything, or single services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.results import ChangeResult, DownResult


def run_stop(repo: Path, services: tuple[str, ...], *, on_event: OnEvent) -> ChangeResult:
    """Stop some of what runs; all else goes on."""
    return backend_for(repo).stop(services, on_event)


def run_down(repo: Path, *, volumes: bool = False) -> DownResult:
    """Stop what runs, wherever it was started; with `volumes` remove what the servers stored."""
    return backend_for(repo).down(volumes=volumes)
