"""One `up`, from the lock to the lock's release."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

from dsscaffold.runtime.events import Note, Ready, ServiceChanged, ServiceFailed, Stopping
from dsscaffold.runtime.local.leftovers import end_leftovers
from dsscaffold.runtime.local.log_files import Follower
from dsscaffold.runtime.local.preparation import Preparation
from dsscaffold.runtime.local.state import StateFile, read_state
from dsscaffold.runtime.local.supervisor import Supervisor
from dsscaffold.runtime.ports import PortBook
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.results import StatusResult, Timings, UpResult, in_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsscaffold.runtime.backend import UpOptions
    from dsscaffold.runtime.events import Event, OnEvent
    from dsscaffold.runtime.local.service import Service
    from dsscaffold.runtime.repo import RunFolder
    from dsscaffold.runtime.results import ServiceFailure

_FOLLOW_SECONDS = 0.2
#: Let the first requests go by before anything is done in the background.
_SETTLE_SECONDS = 5.0


class Session:
    """Prepare, start and supervise, until `run` is cancelled; `close` then stops everything.

    The caller holds the repository's lock.
    """

    def __init__(self, run: RunFolder, options: UpOptions, environ: Mapping[str, str], emit: OnEvent) -> None:
        self._run = run
        self._options = options
        self._environ = dict(environ)
        if options.port is not None:
            self._environ["GATEWAY_PORT"] = str(options.port)
        self._emit = emit
        self._runner = Runner()
        self._ports = PortBook(run.ports, run.repo)
        self._state = StateFile(run)
        self._supervisor: Supervisor | None = None
        self._failures: list[ServiceFailure] = []
        self._timings = Timings()
        self._began = time.monotonic()
        self.result: UpResult | None = None

    async def run(self) -> None:
        """Start everything, report `Ready`, then go on for ever.

        Raises:
            DsscaffoldError: it could not come so far that anything was started.
        """
        if (former := read_state(self._run)) and (pids := end_leftovers(former)):
            left = ", ".join(str(pid) for pid in pids)
            self._emit(Note(f"A former run had left processes behind; they are ended now: {left}."))
        preparation = Preparation(self._run, self._runner, self._ports, self._environ, self._emit)
        self._state.write_statuses(preparation.statuses())
        units = await preparation.units()
        prepared = time.monotonic()
        self._supervisor = Supervisor(units, self._runner, self._run.log, self._changed)
        self._write_state()
        await self._supervisor.up(self._failed)
        self._timings = Timings(
            total=time.monotonic() - self._began,
            prepare=prepared - self._began,
            start=time.monotonic() - prepared,
            fetch=preparation.fetch_seconds,
            environments=preparation.environment_seconds,
            services={name: s.seconds for name, s in self._supervisor.services.items() if s.seconds is not None},
        )
        self.result = self._result(interrupted=False)
        follower = Follower(self._run, [unit.name for unit in units]) if self._options.follow else None
        # In a thread, so that whatever is done with it, services are supervised meanwhile.
        await asyncio.to_thread(self._emit, Ready(self.result))
        await self._go_on(follower, preparation)

    async def close(self, reason: str) -> None:
        """Stop everything that runs, and leave no trace of it in the state."""
        if self._supervisor:
            self._emit(Stopping(reason))
            await self._supervisor.stop()
        self._runner.close()
        self._state.remove()
        self._ports.release()

    def kill(self) -> None:
        """Stop waiting for anything to end gently."""
        self._runner.kill_all()

    def interrupted(self) -> UpResult:
        """Return the result of a start that was ended before it was over."""
        return self._result(interrupted=True)

    async def _go_on(self, follower: Follower | None, preparation: Preparation) -> None:
        background = asyncio.create_task(self._in_background(preparation))
        try:
            while True:
                await asyncio.sleep(_FOLLOW_SECONDS)
                for line in follower.lines() if follower else ():
                    self._emit(line)
        finally:
            background.cancel()
            await asyncio.wait({background})

    async def _in_background(self, preparation: Preparation) -> None:
        await asyncio.sleep(_SETTLE_SECONDS)
        # Nothing that is missing after it is needed: a full disk must not end what runs.
        with contextlib.suppress(OSError):
            await preparation.improve()

    def _result(self, *, interrupted: bool) -> UpResult:
        services = self._supervisor.services.values() if self._supervisor else ()
        statuses = in_order(service.status() for service in services if not service.done)
        status = StatusResult(self._run.repo, "local", statuses)
        logs, detached = self._run.logs, self._options.detach
        return UpResult(status, self._timings, os.getpid(), logs, detached, tuple(self._failures), interrupted)

    def _failed(self, failure: ServiceFailure) -> None:
        self._failures.append(failure)
        self._emit(ServiceFailed(failure))

    def _changed(self, service: Service) -> None:
        self._write_state()
        unit = service.unit
        seconds = service.seconds if service.state == "healthy" and service.restarts == 0 else None
        event: Event = ServiceChanged(
            unit.name, unit.kind, service.state, unit.url, service.restarts, service.detail, seconds
        )
        self._emit(event)

    def _write_state(self) -> None:
        if self._supervisor:
            self._state.write(self._supervisor.services.values(), self._runner.guard_pid)
