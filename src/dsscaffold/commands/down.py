"""`dsscaffold down`: stop everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.results import DownResult


def run_down(repo: Path, *, volumes: bool = False) -> DownResult:
    """Stop what runs, wherever it was started; with `volumes` remove what the servers stored."""
    return backend_for(repo).down(volumes=volumes)
