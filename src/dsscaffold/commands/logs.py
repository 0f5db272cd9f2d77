"""`dsscaffold logs`: what the services print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dsscaffold.runtime.events import LogLine


@dataclass(frozen=True)
class LogsResult:
    """Log lines in the order of time."""

    lines: tuple[LogLine, ...]

    def to_json(self) -> dict[str, object]:
        """Return the document of `logs --json`."""
        return {"lines": [{"service": line.service, "line": line.line} for line in self.lines]}


def read_logs(repo: Path, service: str | None = None, *, tail: int | None = None) -> LogsResult:
    """Return the last `tail` lines of one service or of all."""
    return LogsResult(tuple(run_logs(repo, service, tail=tail)))


def run_logs(
    repo: Path, service: str | None = None, *, follow: bool = False, tail: int | None = None
) -> Iterator[LogLine]:
    """Yield the log of one service or of all, in the order of time; with `follow` it does not end."""
    return backend_for(repo).logs(service, follow=follow, tail=tail)
