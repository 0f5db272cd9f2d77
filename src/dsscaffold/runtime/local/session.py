"""One `up`, from the lock to the lock's release."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.events import Note, Ready, ServiceChanged, ServiceFailed, Stopping
from dsscaffold.runtime.files import storage_error
from dsscaffold.runtime.local.changes import Changes
from dsscaffold.runtime.local.control import ControlServer
from dsscaffold.runtime.local.leftovers import end_leftovers
from dsscaffold.runtime.local.log_files import Follower
from dsscaffold.runtime.local.preparation import Preparation
from dsscaffold.runtime.local.state import StateFile, read_state
from dsscaffold.runtime.local.supervisor import Supervisor
from dsscaffold.runtime.local.watch import Source, Watch
from dsscaffold.runtime.local.wire import Done, Request
from dsscaffold.runtime.ports import PortBook
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.results import StatusResult, Timings, UpResult, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        self._listeners = [emit]
        self._runner = Runner()
        self._ports = PortBook(run.ports, run.repo)
        self._state = StateFile(run)
        self._supervisor: Supervisor | None = None
        self._follower: Follower | None = None
        self._lock = asyncio.Lock()
        self._changes = Changes(self._lock, lambda: self._supervisor, self._prepare)
        self._control = ControlServer(run, self._change)
        self._watching: asyncio.Task[None] | None = None
        self._failures: list[ServiceFailure] = []
        self._timings = Timings()
        self._began = time.monotonic()
        #: That the state could not be written.
        self._told = False
        self.result: UpResult | None = None

    async def run(self) -> None:
        """Start everything, report `Ready`, then go on for ever.

        Raises:
            DsscaffoldError: it could not come so far that anything was started.
        """
        if (former := read_state(self._run)) and (pids := end_leftovers(former)):
            left = ", ".join(str(pid) for pid in pids)
            self._emit(Note(f"A former run had left processes behind; they are ended now: {left}."))
        await self._control.open()
        async with self._lock:
            preparation = self._prepare(self._options.services)
            supervisor = self._supervisor = await self._start(preparation)
            prepared = time.monotonic()
        await supervisor.verdicts(tuple(supervisor.services), self._failed)
        self._timings = Timings(
            total=time.monotonic() - self._began,
            prepare=prepared - self._began,
            start=time.monotonic() - prepared,
            fetch=preparation.fetch_seconds,
            environments=preparation.environment_seconds,
            services={name: s.seconds for name, s in supervisor.services.items() if s.seconds is not None},
        )
        self.result = self._result(interrupted=False)
        self._follower = Follower(self._run, supervisor.services) if self._options.follow else None
        # In a thread, so that whatever is done with it, services are supervised meanwhile.
        await asyncio.to_thread(self._emit, Ready(self.result))
        await self._go_on(preparation)

    async def _start(self, preparation: Preparation) -> Supervisor:
        self._state.write_statuses(preparation.statuses())
        units = await preparation.units()
        self._supervisor = supervisor = Supervisor(units, self._runner, self._run.log, self._changed)
        self._write_state()
        supervisor.start()
        return supervisor

    async def close(self, reason: str) -> None:
        """Stop everything that runs, and leave no trace of it in the state."""
        await self._control.close()
        if self._watching:
            self._watching.cancel()
            await asyncio.wait({self._watching})
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

    def _prepare(self, names: tuple[str, ...] = (), settled: Callable[[str], bool] = lambda _: False) -> Preparation:
        return Preparation(self._run, self._runner, self._ports, self._environ, self._emit, names, settled)

    async def _change(self, request: Request, emit: OnEvent) -> Done:
        """Do what another process asks for; it hears all that happens meanwhile."""
        if request.verb == "watch":
            self._watch_from_now_on()
            return Done(())
        self._listeners.append(emit)
        try:
            return await self._changes.make(request, self._emit)
        finally:
            self._listeners.remove(emit)
            self._write_state()

    async def _edited(self, names: tuple[str, ...], what: str) -> None:
        then = f"started again: {', '.join(names)}" if names else "what reads it follows it as it runs"
        self._emit(Note(f"{what} has changed; {then}."))
        try:
            if names:
                await self._changes.make(Request("restart", names), self._emit)
            else:
                await self._changes.renew_mounts()
        except DsscaffoldError as error:
            self._emit(Note(f"{error.message} Until that is mended, all goes on as before."))

    async def _go_on(self, preparation: Preparation) -> None:
        background = asyncio.create_task(self._in_background(preparation))
        if self._options.watch:
            self._watch_from_now_on()
        try:
            while True:
                await asyncio.sleep(_FOLLOW_SECONDS)
                for line in self._follower.lines() if self._follower else ():
                    self._emit(line)
        finally:
            background.cancel()
            await asyncio.wait({background})

    def _watch_from_now_on(self) -> None:
        """Watch the source, unless that is done already; one that had to be given up begins anew."""
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        try:
            await Watch(self._run.repo, self._sources, self._edited).run()
        except* (OSError, RuntimeError) as failures:
            reason = failures.exceptions[0]
            self._emit(Note(f"The source cannot be watched any more, all else goes on: {reason}"))

    def _sources(self) -> dict[str, Source]:
        """Return where the source of each service is, apart from those that were stopped for good."""
        services = self._supervisor.services.values() if self._supervisor else ()
        units = [service.unit for service in services if service.wanted and not service.unit.job]
        return {unit.name: Source(unit.source, unit.mounted) for unit in units if unit.source}

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

    def _emit(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    def _changed(self, service: Service) -> None:
        self._write_state()
        if self._follower:
            self._follower.add(service.unit.name)
        unit = service.unit
        seconds = service.seconds if service.state == "healthy" and service.restarts == 0 else None
        event: Event = ServiceChanged(
            unit.name, unit.kind, service.state, unit.url, service.restarts, service.detail, seconds
        )
        self._emit(event)

    def _write_state(self) -> None:
        if self._supervisor is None:
            return
        try:
            self._state.write(self._supervisor.services.values(), self._runner.guard_pid)
            self._told = False
        except OSError as error:
            if not self._told:
                self._told = True
                reason = storage_error(error, self._run.repo).message
                self._emit(Note(f"{reason} What runs goes on, but `status` and `logs` are not up to date."))
