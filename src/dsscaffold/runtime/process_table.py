"""Look at processes that are not our children."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

_POLL_SECONDS = 0.02
#: Each start of the system has another one.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class ProcessId:
    """A process: the number alone may by now belong to another one.

    `created` is in seconds since the system was started where it says when that was, so that a clock that is set
    changes nothing; `boot` tells this start of the system from others.
    """

    pid: int
    created: float
    boot: str = ""


def identify(process: psutil.Process) -> ProcessId:
    """Return what tells a process from others that have had its number, or will have.

    Raises:
        psutil.Error: it is gone.
    """
    import psutil

    created = process.create_time()
    if sys.platform == "linux":
        # Elsewhere the time is noted at the creation; here it is worked out from the clock as it is now.
        created = round(created - psutil.boot_time(), 2)
    return ProcessId(process.pid, created, _boot())


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def find_process(pid: int) -> psutil.Process | None:
    """Return a process by its number; nothing where it has ended. 0 counts as nobody's number."""
    import psutil

    try:
        return psutil.Process(pid) if pid > 0 else None
    except psutil.NoSuchProcess:
        return None


def lives(process: psutil.Process) -> bool:
    """Tell whether a process has not ended; a zombie has: in a container nobody may ever collect it."""
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_until_gone(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Wait for processes to end; tell whether all did in time."""
    deadline = time.monotonic() + seconds
    while any(map(lives, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
