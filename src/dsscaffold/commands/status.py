"""`dsscaffold status`: what runs, and how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.results import StatusResult


def run_status(repo: Path) -> StatusResult:
    """Return the state of every service."""
    return backend_for(repo).status()
