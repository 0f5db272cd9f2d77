"""What the supervisor is to run."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsscaffold.runtime.compose.model import HUNG_AFTER, NO_RESTART, START_WITHIN, Dependency, Restart

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.health import Probe
    from dsscaffold.runtime.process import Command
    from dsscaffold.runtime.results import Kind

Prepare = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Unit:
    """One process to keep alive, or one job to do.

    `prepare` runs before every start and may take its time (make a data folder, clear what a crash left).
    Without a `probe` a running process counts as healthy. `job` means that it is to end, with exit code 0. One that was
    healthy and then says nothing at all for `hung_after` seconds is killed and started again, and so is one that was
    not healthy yet and says nothing for `start_within`, which doubles each time; 0: never.
    """

    name: str
    kind: Kind
    command: Command
    depends_on: tuple[Dependency, ...] = ()
    url: str | None = None
    probe: Probe | None = None
    prepare: Prepare | None = None
    restart: Restart = NO_RESTART
    stop_grace: float = 10.0
    stop_signal: int = signal.SIGTERM
    hung_after: float = HUNG_AFTER
    start_within: float = START_WITHIN
    #: The folder of its source, where an edit is to start it again.
    source: Path | None = None
    #: The folders that are mounted into it: what it reads there it follows by itself.
    mounted: tuple[Path, ...] = ()

    @property
    def job(self) -> bool:
        """Tell whether it is done when it ends."""
        return self.kind == "job"
