"""Who runs a repository: the process that holds its lock."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.local.state import read_state
from dsscaffold.runtime.lock import acquire, is_held

if TYPE_CHECKING:
    from dsscaffold.runtime.lock import HeldLock
    from dsscaffold.runtime.repo import RunFolder

#: Longer than anybody looks whether the lock is free, or than a killed process takes to vanish with all its threads.
_WAIT_SECONDS = 3.0


def hold(run: RunFolder) -> HeldLock:
    """Take the repository for this process.

    Raises:
        DsscaffoldError: another process runs it.
    """
    run.create()
    lock = acquire(run.lock, wait=_WAIT_SECONDS, text=f"{os.getpid()}\n")
    if lock is None:
        raise already_up(run)
    return lock


def holder(run: RunFolder) -> int | None:
    """Return the process that runs the repository, or None when nothing does."""
    if not is_held(run.lock):
        return None
    try:
        return int(run.lock.read_text())
    except (OSError, ValueError):
        # Between taking the lock and writing into it; 0 is nobody's number.
        return 0


def already_up(run: RunFolder) -> DsscaffoldError:
    """Return the error for a second `up`."""
    pid = holder(run)
    state = read_state(run)
    by = f"process {pid}" if pid else "another process"
    if state and state.supervisor.pid == pid and all(service.state == "healthy" for service in state.services):
        message = f"It is up already, by {by}: all {len(state.services)} services are healthy."
    else:
        message = f"{run.repo} is being run already, by {by}."
    return DsscaffoldError(message, "`dsscaffold status` shows what runs, `dsscaffold down` stops it.")
