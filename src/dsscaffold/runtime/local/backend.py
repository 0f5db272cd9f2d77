"""The local backend: plain processes, one supervisor a repository."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.project.names import did_you_mean
from dsscaffold.runtime.local.holder import holder
from dsscaffold.runtime.local.leftovers import end_leftovers
from dsscaffold.runtime.local.log_files import Follower
from dsscaffold.runtime.local.state import read_state
from dsscaffold.runtime.lock import acquire
from dsscaffold.runtime.process_table import wait_until_gone
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.results import DownResult, ServiceStatus, StatusResult, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dsscaffold.runtime.backend import UpOptions
    from dsscaffold.runtime.events import LogLine, OnEvent
    from dsscaffold.runtime.results import State, UpResult

_STOP_SECONDS = 90.0
_END_SECONDS = 2.0
_POLL_SECONDS = 0.1


class LocalBackend:
    """Run one repository without containers."""

    name = "local"

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._run = RunFolder(repo)

    def up(self, options: UpOptions, on_event: OnEvent) -> UpResult:
        """Start everything, here or in a supervisor of its own."""
        if options.detach:
            from dsscaffold.runtime.local.detached import up_detached

            return up_detached(self._run, options, on_event)
        from dsscaffold.runtime.local.foreground import supervise

        return supervise(self._run, options, os.environ, on_event)

    def down(self, *, volumes: bool) -> DownResult:
        """Stop whoever runs the repository, and clear up after one that was killed."""
        began = time.monotonic()
        pid = holder(self._run)
        if pid is not None:
            self._stop_supervisor(pid)
        removed = False
        if self._run.root.is_dir():
            removed = self._clear(volumes=volumes)
        return DownResult(self._repo, pid is not None, removed, time.monotonic() - began)

    def status(self) -> StatusResult:
        """Return what the supervisor last wrote, or everything as stopped."""
        pid = holder(self._run)
        state = read_state(self._run) if pid is not None else None
        if state and state.supervisor.pid == pid:
            services = state.services
        else:
            services = self._declared("stopped" if pid is None else "starting")
        return StatusResult(self._repo, self.name, in_order(services))

    def logs(self, service: str | None, *, follow: bool, tail: int | None) -> Iterator[LogLine]:
        """Yield log lines, with `follow` until the caller has enough."""
        from dsscaffold.runtime.compose.reader import read_compose

        project = read_compose(self._repo, os.environ)
        if service is not None and service not in project.services:
            raise UsageError(f"There is no service `{service}`.", did_you_mean(service, project.services))
        follower = Follower(self._run, [service] if service else project.services)
        yield from follower.history(tail)
        while follow:
            yield from follower.lines()
            time.sleep(_POLL_SECONDS)

    def _declared(self, state: State) -> tuple[ServiceStatus, ...]:
        from dsscaffold.runtime.compose.reader import read_compose
        from dsscaffold.runtime.local.plan import kind_of

        project = read_compose(self._repo, os.environ)
        kinds = {service.name: kind_of(service, project) for service in project.services.values()}
        return tuple(ServiceStatus(name, kind, state) for name, kind in kinds.items() if kind != "job")

    def _stop_supervisor(self, pid: int) -> None:
        import psutil

        process = psutil.Process(pid) if psutil.pid_exists(pid) else None
        _signal(pid, signal.SIGTERM)
        try:
            stopped = self._wait_until_free(_STOP_SECONDS)
        except KeyboardInterrupt:
            # The second signal makes it stop at once.
            _signal(pid, signal.SIGTERM)
            stopped = self._wait_until_free(_STOP_SECONDS)
        if not stopped:
            # Its guard then ends what it has started.
            _signal(pid, signal.SIGKILL)
        if process:
            # It gives the lock back a moment before it ends.
            wait_until_gone([process], _END_SECONDS)

    def _wait_until_free(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if holder(self._run) is None:
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _clear(self, *, volumes: bool) -> bool:
        from dsscaffold.runtime.servers.home import remove_outside

        lock = acquire(self._run.lock, wait=5.0, text=f"{os.getpid()}\n")
        if lock is None:
            raise DsscaffoldError(f"{self._repo} is being started again by process {holder(self._run)}.")
        try:
            if state := read_state(self._run):
                end_leftovers(state)
            self._run.state.unlink(missing_ok=True)
            if not volumes:
                return False
            inside, outside = self._run.remove_data(), remove_outside(self._run)
            return inside or outside
        finally:
            lock.release()


def _signal(pid: int, number: int) -> None:
    # 0 would be our own group: the holder had not yet said who it is.
    if pid > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
