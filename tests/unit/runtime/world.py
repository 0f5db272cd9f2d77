"""A supervisor at work on units of real processes, and what is heard from it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from dsscaffold.runtime.compose.model import Dependency, Restart
from dsscaffold.runtime.local.pace import Pace
from dsscaffold.runtime.local.service import Service
from dsscaffold.runtime.local.supervisor import Supervisor
from dsscaffold.runtime.process import Command, Runner
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.results import ServiceFailure
from dsscaffold.runtime.unit import Unit

from ...patience import PATIENCE_S

#: In a hurry, but patient: what is to be well becomes it on a slow machine too. Who wants it given up says when.
QUICK = Pace(poll_starting=0.02, poll_healthy=0.05, poll_doubted=0.05, first_restart=0.02)
ALWAYS = Restart("always")

Body = Callable[["World"], Awaitable[None]]
Play = Callable[..., None]
MakeUnit = Callable[..., Unit]


class World:
    """A supervisor at work, and what is heard from it."""

    def __init__(self, run: RunFolder, units: list[Unit], pace: Pace) -> None:
        self.history: list[tuple[str, str]] = []
        self._details: list[tuple[str, str, str]] = []
        #: When each service was last to be started again.
        self.restarted: dict[str, float] = {}
        self.failures: list[ServiceFailure] = []
        self.runner = Runner()
        self.supervisor = Supervisor(units, self.runner, run.log, self._changed, pace)

    def __getitem__(self, name: str) -> Service:
        return self.supervisor.services[name]

    async def up(self) -> tuple[ServiceFailure, ...]:
        return await self.supervisor.up(self.failures.append)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.01)

    def give_up_after(self, name: str, seconds: float) -> None:
        """Change how long a service has to become well, counted from when it was first waited for."""
        self[name].pace = replace(self[name].pace, give_up=seconds)

    def pid(self, name: str) -> int:
        child = self[name].child
        assert child is not None
        return child.pid

    def details(self, name: str, state: str) -> list[str]:
        """Return the reasons that a service gave for coming into a state, each once."""
        return list(dict.fromkeys(reason for *whose, reason in self._details if whose == [name, state] and reason))

    def _changed(self, service: Service) -> None:
        self._details.append((service.unit.name, service.state, service.detail))
        if service.state == "restarting":
            self.restarted[service.unit.name] = time.monotonic()
        self.history.append((service.unit.name, service.state))


def job(name: str, script: str, folder: Path, *needs: str) -> Unit:
    command = Command(("sh", "-c", script), folder, {"PATH": os.environ["PATH"]})
    return Unit(name, "job", command, tuple(Dependency(need) for need in needs))
