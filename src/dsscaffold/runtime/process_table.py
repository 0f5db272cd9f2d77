"""Look at processes that are not our children."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

_POLL_SECONDS = 0.02


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
