"""End what a supervisor left running, when it and its guard were both killed."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from dsscaffold.runtime.process_table import identify, lives, wait_until_gone

if TYPE_CHECKING:
    import psutil

    from dsscaffold.runtime.local.state import RunState
    from dsscaffold.runtime.process_table import ProcessId

_WAIT_SECONDS = 10.0
#: The two times that a creation is worked out from are not read at quite the same moment.
_TOLERANCE_SECONDS = 2.0


def end_leftovers(state: RunState) -> tuple[int, ...]:
    """Kill the processes of a former run that still live; return their ids.

    Call it with the repository's lock held: then their supervisor is gone. A process counts only if it was
    created when the state says, so one that got the same number later is left alone.
    """
    alive = [process for process in (_find(entry) for entry in state.processes) if process]
    families = [member for process in alive for member in (process, *_children(process))]
    for process in alive:
        try:
            # Each leads a group of its own.
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    wait_until_gone(families, _WAIT_SECONDS)
    return tuple(process.pid for process in alive)


def _children(process: psutil.Process) -> list[psutil.Process]:
    import psutil

    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _find(entry: ProcessId) -> psutil.Process | None:
    import psutil

    try:
        process = psutil.Process(entry.pid)
        found = identify(process)
        near = abs(found.created - entry.created) < _TOLERANCE_SECONDS
        same = near and found.boot == entry.boot and os.getpgid(entry.pid) == entry.pid
    except (psutil.Error, ProcessLookupError, TypeError, ValueError, OverflowError):
        # The last three: a file that a power loss left is not what was written.
        return None
    return process if same and lives(process) else None
