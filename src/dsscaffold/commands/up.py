"""`dsscaffold up`: start everything, in health order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsscaffold.runtime.backend import UpOptions
from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.results import UpResult


def run_up(
    repo: Path,
    *,
    on_event: OnEvent,
    detach: bool = False,
    port: int | None = None,
    follow: bool = True,
    services: tuple[str, ...] = (),
    watch: bool = False,
) -> UpResult:
    """Start the repository; with `detach` return when all is healthy, else when all is stopped again.

    `services` starts these alone with what they depend on; where the repository runs already, they are brought in.

    In the foreground `Ready` tells when all is healthy. `follow` passes the services' log lines on from then.

    Raises:
        DsscaffoldError: nothing could be started.
    """
    return backend_for(repo).up(UpOptions(detach, port, follow, services, watch), on_event)
