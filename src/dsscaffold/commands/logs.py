"""`dsscaffold logs`: what the services print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dsscaffold.runtime.events import LogLine


def run_logs(
    repo: Path, service: str | None = None, *, follow: bool = False, tail: int | None = None
) -> Iterator[LogLine]:
    """Yield the log of one service or of all, in the order of time; with `follow` it does not end."""
    return backend_for(repo).logs(service, follow=follow, tail=tail)
