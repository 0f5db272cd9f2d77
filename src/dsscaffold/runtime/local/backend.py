"""The local backend: plain processes, one supervisor a repository."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.events import Note, Ready
from dsscaffold.runtime.files import storage_error
from dsscaffold.runtime.local.holder import holder
from dsscaffold.runtime.local.leftovers import end_leftovers
from dsscaffold.runtime.local.log_files import Follower
from dsscaffold.runtime.local.state import read_state
from dsscaffold.runtime.local.wire import Request
from dsscaffold.runtime.lock import acquire
from dsscaffold.runtime.process_table import find_process, wait_until_gone
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.results import (
    ChangeResult,
    DownResult,
    ServiceStatus,
    StatusResult,
    Timings,
    UpResult,
    in_order,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil

    from dsscaffold.runtime.backend import UpOptions
    from dsscaffold.runtime.events import LogLine, OnEvent
    from dsscaffold.runtime.local.wire import Verb
    from dsscaffold.runtime.results import State

_STOP_SECONDS = 90.0
#: Only a busy machine needs any of it: then nothing is left when `down` has said so.
_END_SECONDS = 10.0
_POLL_SECONDS = 0.1


class LocalBackend:
    """Run one repository without containers."""

    name = "local"

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._run = RunFolder(repo)

    def up(self, options: UpOptions, on_event: OnEvent) -> UpResult:
        """Start what is wanted, here or in a supervisor of its own.

        What runs already is brought to what is wanted, and watches the source from now on if it is to.
        """
        if options.services:
            self._check(options.services)
        if pid := holder(self._run):
            from dsscaffold.runtime.local.control import GoneError

            with contextlib.suppress(GoneError):
                return self._bring_in(options, pid, on_event)
        try:
            return self._start(options, on_event)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise storage_error(error, self._repo) from error

    def _start(self, options: UpOptions, on_event: OnEvent) -> UpResult:
        if options.detach:
            from dsscaffold.runtime.local.detached import up_detached

            return up_detached(self._run, options, on_event)
        from dsscaffold.runtime.local.foreground import supervise

        return supervise(self._run, options, os.environ, on_event)

    def down(self, *, volumes: bool) -> DownResult:
        """Stop whoever runs the repository, and clear up after one that was killed."""
        began = time.monotonic()
        runs = holder(self._run) is not None
        if runs:
            self._stop_supervisor()
        removed = False
        if self._run.root.is_dir():
            removed = self._clear(volumes=volumes)
        return DownResult(self._repo, runs, removed, time.monotonic() - began)

    def stop(self, services: tuple[str, ...], on_event: OnEvent) -> ChangeResult:
        """Have the supervisor stop some of what runs."""
        self._check(services)
        if holder(self._run) is None:
            return ChangeResult((), self.status(), 0.0)
        return self._ask("down", services, on_event)

    def restart(self, services: tuple[str, ...], on_event: OnEvent) -> ChangeResult:
        """Have the supervisor stop and start some of what runs."""
        self._check(services)
        if holder(self._run) is None:
            hint = f"Start it, with what it depends on: dsscaffold up {' '.join(services)}"
            raise DsscaffoldError("Nothing runs here.", hint)
        return self._ask("restart", services, on_event)

    def _bring_in(self, options: UpOptions, pid: int, on_event: OnEvent) -> UpResult:
        what = ", ".join(options.services) or "all that compose.yaml describes"
        on_event(Note(f"Process {pid} runs this repository already, and brings in {what}."))
        if options.port is not None:
            on_event(Note("--port holds from the start of everything only; it changes nothing here."))
        change = self._ask("up", options.services, on_event)
        if options.watch:
            self._ask("watch", (), on_event)
            text = "and from now on starts a service again that is edited."
            on_event(Note(f"Process {pid} runs this repository, {text}"))
        timings = Timings(total=change.seconds)
        result = UpResult(change.status, timings, pid, self._run.logs, True, change.failures)
        on_event(Ready(result))
        return result

    def _ask(self, verb: Verb, services: tuple[str, ...], on_event: OnEvent) -> ChangeResult:
        from dsscaffold.runtime.local.control import ask

        began = time.monotonic()
        done = ask(self._run, Request(verb, services), on_event)
        return ChangeResult(done.services, self.status(), time.monotonic() - began, done.failures)

    def _check(self, names: tuple[str, ...]) -> None:
        from dsscaffold.runtime.compose.order import check_names
        from dsscaffold.runtime.compose.reader import read_compose

        check_names(names, read_compose(self._repo, os.environ).services)

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
        from dsscaffold.runtime.compose.order import check_names
        from dsscaffold.runtime.compose.reader import read_compose

        project = read_compose(self._repo, os.environ)
        check_names([service] if service else (), project.services)
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

    def _stop_supervisor(self) -> None:
        told: dict[int, psutil.Process | None] = {}
        try:
            stopped = self._stop_holders(told)
        except KeyboardInterrupt:
            # The second signal makes it stop at once.
            for pid in told:
                _signal(pid, signal.SIGTERM)
            stopped = self._stop_holders(told)
        if not stopped:
            # Its guard then ends what it has started.
            _signal(holder(self._run) or 0, signal.SIGKILL)
        # It gives the lock back a moment before it ends.
        wait_until_gone([process for process in told.values() if process], _END_SECONDS)

    def _stop_holders(self, told: dict[int, psutil.Process | None]) -> bool:
        """Tell whoever runs the repository to stop, once each, until nobody does; tell whether that came in time."""
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            # Looked up every time: it may not have said yet who it is, and of an `up` that detaches it is two in turn.
            pid = holder(self._run)
            if pid is None:
                return True
            if pid not in told:
                told[pid] = find_process(pid)
                _signal(pid, signal.SIGTERM)
            time.sleep(_POLL_SECONDS)
        return False

    def _clear(self, *, volumes: bool) -> bool:
        from dsscaffold.runtime.local.control import forget
        from dsscaffold.runtime.servers.home import remove_outside

        # Without a word of who we are: another `down` is to wait for this one, and not to end it.
        lock = acquire(self._run.lock, wait=5.0)
        if lock is None:
            pid = holder(self._run)
            raise DsscaffoldError(f"{self._repo} is in use again, by {f'process {pid}' if pid else 'another process'}.")
        try:
            if state := read_state(self._run):
                end_leftovers(state)
            self._run.state.unlink(missing_ok=True)
            forget(self._run)
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
