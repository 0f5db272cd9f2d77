"""A supervisor at work on units of real processes, and what is heard from it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from dsscaffold.runtime.compose.model import Dependency, Restart
from dsscaffold.runtime.local.pace import Pace
from dsscaffold.runtime.local.service import Service
from dsscaffold.runtime.local.supervisor import Supervisor
from dsscaffold.runtime.process import Command, Runner
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.results import ServiceFailure
from dsscaffold.runtime.unit import Unit

QUICK = Pace(poll_starting=0.02, poll_healthy=0.05, give_up=0.4, first_restart=0.02)
ALWAYS = Restart("always")

Body = Callable[["World"], Awaitable[None]]
Play = Callable[..., None]
MakeUnit = Callable[..., Unit]


class World:
    """A supervisor at work, and what is heard from it."""

    def __init__(self, run: RunFolder, units: list[Unit], pace: Pace) -> None:
        self.history: list[tuple[str, str]] = []
        self._details: list[tuple[str, str, str]] = []
        self.failures: list[ServiceFailure] = []
        self.runner = Runner()
        self.supervisor = Supervisor(units, self.runner, run.log, self._changed, pace)

    def __getitem__(self, name: str) -> Service:
        return self.supervisor.services[name]

    async def up(self) -> tuple[ServiceFailure, ...]:
        return await self.supervisor.up(self.failures.append)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    def pid(self, name: str) -> int:
        child = self[name].child
        assert child is not None
        return child.pid

    def details(self, name: str, state: str) -> list[str]:
        """Return the reasons that a service gave for coming into a state, each once."""
        return list(dict.fromkeys(reason for *whose, reason in self._details if whose == [name, state] and reason))

    def _changed(self, service: Service) -> None:
        self._details.append((service.unit.name, service.state, service.detail))
        self.history.append((service.unit.name, service.state))


def job(name: str, script: str, folder: Path, *needs: str) -> Unit:
    command = Command(("sh", "-c", script), folder, {"PATH": os.environ["PATH"]})
    return Unit(name, "job", command, tuple(Dependency(need) for need in needs))
