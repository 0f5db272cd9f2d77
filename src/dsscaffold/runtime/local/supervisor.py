"""Run all units together: started by what they need, stopped in the reverse order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dsscaffold.runtime.local.pace import Pace
from dsscaffold.runtime.local.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.results import ServiceFailure
    from dsscaffold.runtime.unit import Unit


class Supervisor:
    """Keep units running; `changed` is called at every change of a service's state."""

    def __init__(
        self,
        units: Iterable[Unit],
        runner: Runner,
        log: Callable[[str], Path],
        changed: Callable[[Service], None],
        pace: Pace | None = None,
    ) -> None:
        self._services: dict[str, Service] = {}
        self._runner = runner
        self._log = log
        self._changed = changed
        self._pace = pace or Pace()
        for unit in units:
            self._add(unit)

    @property
    def services(self) -> Mapping[str, Service]:
        """Return all that are known by now."""
        return self._services

    async def up(self, failed: Callable[[ServiceFailure], None]) -> tuple[ServiceFailure, ...]:
        """Start everything; return when each is healthy (a job: done) or has failed.

        `failed` hears of each failure as it happens. What has failed may go on trying.
        """
        self.start()
        return await self.verdicts(self._services, failed)

    def start(self) -> None:
        """Start everything; returns at once."""
        for service in self._services.values():
            service.start()

    def runs(self, name: str) -> bool:
        """Tell whether a service runs, or will as soon as it can; not one that only waits for its next try."""
        service = self._services.get(name)
        return service is not None and service.active and not _idle(service)

    def awaited(self, names: Iterable[str]) -> list[str]:
        """Return those that run and are not well, each with a verdict to come."""
        found = [name for name in names if self.runs(name) and self._services[name].state != "healthy"]
        for name in found:
            self._services[name].judge_anew()
        return found

    def bring_in(self, units: Iterable[Unit]) -> None:
        """Start units that are new, or that have ended or been stopped; the others are not touched."""
        # All are made ready before any starts, so that none takes a dependency for one that is well already.
        for service in [self._renewed(unit) for unit in units]:
            service.start()

    def differs(self, unit: Unit) -> bool:
        """Tell whether an app that runs was started in another way than `unit` says now."""
        return unit.kind in ("gateway", "service") and self._services[unit.name].unit.command != unit.command

    def forget(self, names: Iterable[str]) -> None:
        """Know nothing any more of services that were stopped."""
        for name in names:
            del self._services[name]

    async def verdicts(
        self, names: Iterable[str], failed: Callable[[ServiceFailure], None]
    ) -> tuple[ServiceFailure, ...]:
        """Return the failures among `names`, once each is healthy (a job: done) or has failed."""
        failures = []
        for verdict in asyncio.as_completed([_verdict(self._services[name]) for name in names]):
            if failure := await verdict:
                failed(failure)
                failures.append(failure)
        return tuple(failures)

    async def stop(self, names: Iterable[str] | None = None, *, for_good: bool = True) -> None:
        """Stop everything, or what is named: each once all of these that depend on it have ended."""
        stops: dict[str, asyncio.Task[None]] = {}
        wanted = list(self._services if names is None else names)

        def stop(name: str) -> asyncio.Task[None]:
            if name not in stops:
                stops[name] = asyncio.create_task(after_dependents(name))
            return stops[name]

        async def after_dependents(name: str) -> None:
            if dependents := [other for other in wanted if self._depends(other, name)]:
                await asyncio.wait({stop(dependent) for dependent in dependents})
            await self._services[name].stop(for_good=for_good)

        await asyncio.gather(*(stop(name) for name in wanted))

    def kill(self) -> None:
        """End everything at once; `stop` then has nothing to wait for."""
        self._runner.kill_all()

    def _depends(self, name: str, on: str) -> bool:
        return any(dependency.service == on for dependency in self._services[name].unit.depends_on)

    def _add(self, unit: Unit) -> Service:
        service = Service(unit, self._services, self._runner, self._log(unit.name), self._changed, self._pace)
        self._services[unit.name] = service
        return service

    def _renewed(self, unit: Unit) -> Service:
        service = self._services.get(unit.name)
        if service is None:
            return self._add(unit)
        service.renew(unit)
        return service


def _idle(service: Service) -> bool:
    """Tell whether it has no process, and was given up or is only tried again after a while."""
    return service.child is None and (service.state == "restarting" or service.verdict.done())


async def _verdict(service: Service) -> ServiceFailure | None:
    return await asyncio.shield(service.verdict)
