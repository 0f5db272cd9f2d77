"""`dsscaffold diff`: what the templates changed since the repository was rendered, and what the team changed."""

from __future__ import annotations

from pathlib import Path

from dsscaffold.templating.compare import DiffResult, compare


def run_diff(folder: Path, templates: Path | None) -> DiffResult:
    """Compare the project in `folder`, as it is committed, and the templates with what it was rendered from.

    Raises:
        DsscaffoldError: what it was rendered from cannot be found.
    """
    return compare(folder, templates)
