"""What runs, on disk: for `status`, and for whoever has to clear up after a supervisor that was killed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from dsscaffold.runtime.files import write_atomically
from dsscaffold.runtime.process_table import ProcessId, identify
from dsscaffold.runtime.results import ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dsscaffold.runtime.local.service import Service
    from dsscaffold.runtime.repo import RunFolder


@dataclass(frozen=True)
class RunState:
    """The content of state.json."""

    supervisor: ProcessId
    services: tuple[ServiceStatus, ...] = ()
    processes: tuple[ProcessId, ...] = ()


class StateFile:
    """Write the state at every change; reading it needs no lock, since it is replaced whole."""

    def __init__(self, run: RunFolder) -> None:
        self._path = run.state
        self._supervisor = _identify(os.getpid())
        self._known: dict[int, ProcessId] = {}

    def write(self, services: Iterable[Service], guard: int | None) -> None:
        """Write what runs now."""
        services = list(services)
        pids = [service.child.pid for service in services if service.child] + ([guard] if guard else [])
        # A process is looked up once, right after its start; later its number could be another's.
        self._known = {pid: self._known.get(pid) or _identify(pid) for pid in pids}
        statuses = tuple(service.status() for service in services if not service.done)
        self._write(RunState(self._supervisor, statuses, tuple(self._known.values())))

    def write_statuses(self, statuses: Iterable[ServiceStatus]) -> None:
        """Write services of which no process runs yet."""
        self._write(RunState(self._supervisor, tuple(statuses)))

    def remove(self) -> None:
        """Say that nothing runs."""
        self._path.unlink(missing_ok=True)

    def _write(self, state: RunState) -> None:
        write_atomically(self._path, json.dumps(asdict(state), indent=1) + "\n")


def read_state(run: RunFolder) -> RunState | None:
    """Return the state as it was last written, or None."""
    try:
        data = json.loads(run.state.read_text(encoding="utf-8"))
        return RunState(
            supervisor=ProcessId(**data["supervisor"]),
            services=tuple(_status(entry) for entry in data["services"]),
            processes=tuple(ProcessId(**entry) for entry in data["processes"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _identify(pid: int) -> ProcessId:
    """Return what tells a process from others; one that is gone already is like none."""
    import psutil

    try:
        return identify(psutil.Process(pid))
    except psutil.Error:
        return ProcessId(pid, 0.0)


def _status(entry: dict[str, Any]) -> ServiceStatus:
    # What another version wrote may have more, or less of what is not necessary.
    return ServiceStatus(**{field.name: entry[field.name] for field in fields(ServiceStatus) if field.name in entry})
