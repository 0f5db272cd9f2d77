"""Find the project that a folder lies in."""

from __future__ import annotations

from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.project.manifest import MANIFEST_NAME


def find_project(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that `dsscaffold new` made, also one that lost its manifest.

    Raises:
        UsageError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / MANIFEST_NAME).is_file() or (folder / ".dsscaffold" / "applied.yaml").is_file():
            return folder
    raise UsageError(
        f"{start} is in no repository that dsscaffold made: no {MANIFEST_NAME} here or above.",
        "Go into one, or make one: dsscaffold new NAME",
    )
