"""Run all units together: started by what they need, stopped in the reverse order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dsscaffold.runtime.local.service import Pace, Service

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
        services: dict[str, Service] = {}
        for unit in units:
            services[unit.name] = Service(unit, services, runner, log(unit.name), changed, pace or Pace())
        self.services: Mapping[str, Service] = services
        self._runner = runner
        self._stops: dict[str, asyncio.Task[None]] = {}

    async def up(self, failed: Callable[[ServiceFailure], None]) -> tuple[ServiceFailure, ...]:
        """Start everything; return when each is healthy (a job: done) or has failed.

        `failed` hears of each failure as it happens. What has failed may go on trying.
        """
        for service in self.services.values():
            service.start()
        failures = []
        for verdict in asyncio.as_completed([_verdict(service) for service in self.services.values()]):
            if failure := await verdict:
                failed(failure)
                failures.append(failure)
        return tuple(failures)

    async def stop(self) -> None:
        """Stop everything: each once all that depend on it have ended."""
        await asyncio.gather(*(self._stop(name) for name in self.services))

    def kill(self) -> None:
        """End everything at once; `stop` then has nothing to wait for."""
        self._runner.kill_all()

    def _stop(self, name: str) -> asyncio.Task[None]:
        if name not in self._stops:
            self._stops[name] = asyncio.create_task(self._stop_after_dependents(name))
        return self._stops[name]

    async def _stop_after_dependents(self, name: str) -> None:
        dependents = [
            other.unit.name
            for other in self.services.values()
            if any(dependency.service == name for dependency in other.unit.depends_on)
        ]
        if dependents:
            await asyncio.wait({self._stop(dependent) for dependent in dependents})
        await self.services[name].stop()


async def _verdict(service: Service) -> ServiceFailure | None:
    return await asyncio.shield(service.verdict)
