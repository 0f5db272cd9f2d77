"""Change what runs in a repository while it runs, one request at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.events import Note, ServiceFailed
from dsscaffold.runtime.local.wire import Done

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.local.preparation import Preparation
    from dsscaffold.runtime.local.supervisor import Supervisor
    from dsscaffold.runtime.local.wire import Request
    from dsscaffold.runtime.unit import Unit

    Prepare = Callable[[tuple[str, ...], Callable[[str], bool]], Preparation]


class Changes:
    """`prepare` reads the compose file anew: what has changed in it holds from the next start of a service on.

    `lock` is held while processes are started and stopped, not while their health is awaited.
    """

    def __init__(self, lock: asyncio.Lock, supervisor: Callable[[], Supervisor | None], prepare: Prepare) -> None:
        self._lock = lock
        self._supervisor = supervisor
        self._prepare = prepare

    async def make(self, request: Request, emit: OnEvent) -> Done:
        """Do what is asked for, and return once it is healthy or has failed.

        Raises:
            DsscaffoldError: the compose file is wrong, or something cannot be had; all goes on as before.
        """
        async with self._lock:
            supervisor = self._supervisor()
            if supervisor is None:
                raise DsscaffoldError("Nothing could be started here.")
            match request.verb:
                case "down":
                    return await self._stop(supervisor, request.services)
                case "restart":
                    started = await self._restart(supervisor, request.services)
                case _ if not request.services:
                    started = await self._settle(supervisor, emit)
                case _:
                    started = await self._bring_in(supervisor, request.services, emit)
        failures = await supervisor.verdicts(started, lambda failure: emit(ServiceFailed(failure)))
        return Done(tuple(started), failures)

    async def renew_mounts(self) -> None:
        """Bring what is mounted up to date for all that runs; nothing is started or stopped.

        Raises:
            DsscaffoldError: the compose file is wrong, or a mounted file cannot be read.
        """
        async with self._lock:
            await self._prepare((), lambda _: True).units()

    async def _stop(self, supervisor: Supervisor, names: tuple[str, ...]) -> Done:
        running = [name for name in names if _active(supervisor, name)]
        await supervisor.stop(running)
        return Done(tuple(running))

    async def _restart(self, supervisor: Supervisor, names: tuple[str, ...]) -> list[str]:
        def settled(name: str) -> bool:
            """A job that was done need not be done again for a service that only starts again."""
            return name not in names and (_active(supervisor, name) or _done(supervisor, name))

        return await self._start(supervisor, await self._prepare(names, settled).units())

    async def _settle(self, supervisor: Supervisor, emit: OnEvent) -> list[str]:
        """Make what runs what the compose file describes; whatever runs as it says is not touched."""
        units = await self._prepare((), lambda _: False).units()
        described = {unit.name for unit in units}
        gone = [name for name in supervisor.services if name not in described]
        running = [unit for unit in units if supervisor.runs(unit.name)]
        changed = [unit.name for unit in running if supervisor.differs(unit)]
        if gone:
            emit(Note(f"Not in compose.yaml any more, and stopped: {', '.join(gone)}."))
        if changed:
            emit(Note(f"Described otherwise now, and started again: {', '.join(changed)}."))
        await supervisor.stop(gone)
        supervisor.forget(gone)
        await supervisor.stop(changed, for_good=False)
        units = [unit for unit in units if not supervisor.runs(unit.name)]
        kept = [unit.name for unit in running if unit.name not in changed]
        return await self._start(supervisor, units) + supervisor.awaited(kept)

    async def _bring_in(self, supervisor: Supervisor, names: tuple[str, ...], emit: OnEvent) -> list[str]:
        preparation = self._prepare(names, supervisor.runs)
        there = [name for name in names if supervisor.runs(name)]
        if there:
            emit(Note(f"{_and(there)} {'runs' if len(there) == 1 else 'run'} already."))
        return await self._start(supervisor, await preparation.units()) + supervisor.awaited(there)

    async def _start(self, supervisor: Supervisor, units: list[Unit]) -> list[str]:
        """Start units now, also those that would be tried again later."""
        await supervisor.stop([unit.name for unit in units if _active(supervisor, unit.name)], for_good=False)
        supervisor.bring_in(units)
        return [unit.name for unit in units]


def _active(supervisor: Supervisor, name: str) -> bool:
    return name in supervisor.services and supervisor.services[name].active


def _done(supervisor: Supervisor, name: str) -> bool:
    return name in supervisor.services and supervisor.services[name].done


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
