from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.compose.model import Condition, Dependency, Restart
from dsscaffold.runtime.health import http_ready
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
Lives = Callable[[int], bool]


class World:
    """A supervisor at work, and what is heard from it."""

    def __init__(self, run: RunFolder, units: list[Unit], pace: Pace) -> None:
        self.history: list[tuple[str, str]] = []
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

    def _changed(self, service: Service) -> None:
        self.history.append((service.unit.name, service.state))


@pytest.fixture
def play(run: RunFolder) -> Callable[..., None]:
    """Run `body` in a world of `units`, and stop that world."""

    def play_units(body: Body, *units: Unit, pace: Pace = QUICK) -> None:
        async def scene() -> None:
            world = World(run, list(units), pace)
            try:
                await body(world)
            finally:
                await world.supervisor.stop()
                world.runner.close()

        asyncio.run(scene())

    return play_units


@pytest.fixture
def unit(app: Callable[..., Command], free_port: Callable[[], int]) -> Callable[..., Unit]:
    """Make a unit of the app, that needs other units by a condition."""

    def make(name: str, *needs: str, condition: Condition = "service_healthy", **env: str) -> Unit:
        port = free_port()
        return Unit(
            name=name,
            kind="service",
            command=app(NAME=name, PORT=str(port), **env),
            depends_on=tuple(Dependency(need, condition) for need in needs),
            probe=partial(http_ready, port),
            restart=ALWAYS,
        )

    return make


def job(name: str, script: str, folder: Path, *needs: str) -> Unit:
    command = Command(("sh", "-c", script), folder, {"PATH": os.environ["PATH"]})
    return Unit(name, "job", command, tuple(Dependency(need) for need in needs))


Play = Callable[..., None]
MakeUnit = Callable[..., Unit]
Journal = Callable[[], list[str]]


def test_started_by_need_and_stopped_in_reverse(play: Play, unit: MakeUnit, journal: Journal) -> None:
    async def body(world: World) -> None:
        assert await world.up() == ()
        assert [service.state for service in world.supervisor.services.values()] == ["healthy"] * 3

    play(body, unit("database"), unit("orders", "database"), unit("gateway", "orders"))
    assert journal() == [
        *("start database", "start orders", "start gateway"),
        *("stop gateway", "stop orders", "stop database"),
    ]


def test_what_needs_nothing_of_each_other_stops_together(play: Play, unit: MakeUnit, journal: Journal) -> None:
    async def body(world: World) -> None:
        await world.up()

    play(body, unit("database"), unit("a", "database"), unit("b", "database"))
    assert sorted(journal()[3:5]) == ["stop a", "stop b"]
    assert journal()[5] == "stop database"


def test_a_service_waits_for_a_job_to_complete(play: Play, unit: MakeUnit, tmp_path: Path, journal: Journal) -> None:
    async def body(world: World) -> None:
        assert await world.up() == ()
        assert world["migrate"].done
        assert world["migrate"].state == "exited"

    migrate = job("migrate", "echo done migrate >>journal", tmp_path)
    play(body, migrate, unit("orders", "migrate", condition="service_completed_successfully"))
    assert journal()[:2] == ["done migrate", "start orders"]


def test_a_failed_job_is_reported_with_its_last_lines(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        failures = {failure.service: failure for failure in await world.up()}
        assert failures["migrate"].reason == "ended with code 3"
        assert failures["migrate"].log_tail == ("no such table",)
        assert failures["migrate"].log_file == world["migrate"].log
        assert failures["orders"].reason == "not started: it waits for migrate"
        assert world["other"].state == "healthy"
        assert world["orders"].child is None

    migrate = job("migrate", "echo no such table; exit 3", tmp_path)
    orders = unit("orders", "migrate", condition="service_completed_successfully")
    play(body, migrate, orders, unit("other"))


def test_a_job_that_is_to_be_tried_again(play: Play, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        assert await world.up() == ()
        assert world["migrate"].restarts == 1

    script = "test -e second || { touch second; exit 1; }"
    play(body, replace(job("migrate", script, tmp_path), restart=Restart("on-failure", 3)))


def test_a_killed_service_comes_back(play: Play, unit: MakeUnit) -> None:
    async def body(world: World) -> None:
        await world.up()
        first = world.pid("orders")
        os.kill(first, signal.SIGKILL)
        await world.until(lambda: world["orders"].restarts == 1 and world["orders"].state == "healthy")
        assert world.pid("orders") != first
        assert world["orders"].status().restarts == 1
        states = [state for name, state in world.history if name == "orders"]
        assert states.index("restarting") < len(states) - 1
        assert states[-1] == "healthy"
        assert "[dsscaffold] orders was ended by signal 9" in world["orders"].log.read_text()

    play(body, unit("orders"))


def test_what_a_killed_service_left_behind_goes_with_it(
    play: Play, unit: MakeUnit, tmp_path: Path, lives: Lives
) -> None:
    async def body(world: World) -> None:
        await world.up()
        grandchild = int((tmp_path / "grandchild").read_text())
        os.kill(world.pid("orders"), signal.SIGKILL)
        await world.until(lambda: not lives(grandchild))

    play(body, unit("orders", GRANDCHILD="1"))


def test_a_sick_service_is_unhealthy_until_it_is_well(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.up()
        (tmp_path / "sick").touch()
        await world.until(lambda: world["orders"].state == "unhealthy")
        assert world["orders"].detail == "not ready (database: down)"
        (tmp_path / "sick").unlink()
        await world.until(lambda: world["orders"].state == "healthy")
        assert world["orders"].restarts == 0

    play(body, unit("orders"))


def test_one_that_does_not_become_healthy_is_reported_and_stays(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert re.fullmatch(r"not healthy after 0\.\d s: not ready \(database: down\)", failure.reason)
        assert failure.log_tail == ("hello from orders",)
        assert world.failures == [failure]
        (tmp_path / "sick").unlink()
        await world.until(lambda: world["orders"].state == "healthy")

    (tmp_path / "sick").touch()
    play(body, unit("orders"))


def test_one_that_keeps_ending_is_reported(play: Play, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert failure.reason == "ended with code 1, 5 times in a row"
        assert "boom" in failure.log_tail

    async def never() -> str:
        return "not yet"

    broken = replace(job("broken", "echo boom; exit 1", tmp_path), kind="service", restart=ALWAYS, probe=never)
    play(body, broken)


@pytest.mark.parametrize(("mode", "code", "states"), [("no", 0, "exited"), ("on-failure", 0, "exited")])
def test_one_that_is_not_to_be_started_again(play: Play, tmp_path: Path, mode: str, code: int, states: str) -> None:
    async def body(world: World) -> None:
        await world.up()
        await world.until(lambda: world["once"].state == states)
        assert world["once"].restarts == 0

    once = job("once", f"exit {code}", tmp_path)
    play(body, replace(once, kind="service", restart=Restart(mode)))  # type: ignore[arg-type]


def test_what_cannot_be_prepared_is_reported_in_its_own_words(play: Play, unit: MakeUnit) -> None:
    async def refuse() -> None:
        raise DsscaffoldError("the data is of another version")

    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert failure.reason == "the data is of another version"
        assert failure.log_tail == ()

    play(body, replace(unit("database"), prepare=refuse))


def test_a_program_that_is_not_there(play: Play, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert "no-such-program" in failure.reason

    play(body, Unit("x", "service", Command(("no-such-program",), tmp_path, {"PATH": "/bin"})))


def test_one_that_does_not_want_to_stop_is_killed(play: Play, unit: MakeUnit, tmp_path: Path, lives: Lives) -> None:
    pids: list[int] = []

    async def body(world: World) -> None:
        await world.up()
        pids.extend([world.pid("orders"), int((tmp_path / "grandchild").read_text())])

    play(body, replace(unit("orders", STUBBORN="1", GRANDCHILD="1"), stop_grace=0.2))
    assert not any(map(lives, pids))
    assert "did not end within 0.2 s" in (tmp_path / ".dsscaffold/run/logs/orders.log").read_text()


def test_kill_ends_a_stop_that_takes_too_long(play: Play, unit: MakeUnit) -> None:
    async def body(world: World) -> None:
        await world.up()
        began = time.monotonic()
        stopping = asyncio.create_task(world.supervisor.stop())
        await asyncio.sleep(0)
        world.supervisor.kill()
        await stopping
        assert time.monotonic() - began < 10
        assert world["orders"].state == "stopped"

    play(body, replace(unit("orders", STUBBORN="1"), stop_grace=60))


def test_a_stop_in_the_middle_of_the_start(play: Play, unit: MakeUnit, journal: Journal) -> None:
    async def body(world: World) -> None:
        starting = asyncio.create_task(world.up())
        await world.until(lambda: world["database"].child)
        await world.supervisor.stop()
        assert [service.state for service in world.supervisor.services.values()] == ["stopped", "stopped"]
        starting.cancel()

    play(body, unit("database"), unit("orders", "database"))
    assert "start orders" not in journal()


def test_one_whose_log_tells_why_it_is_not_healthy_is_not_waited_for(
    play: Play, unit: MakeUnit, tmp_path: Path
) -> None:
    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert "The database refuses the user orders" in failure.cause
        (tmp_path / "sick").unlink()
        await world.until(lambda: world["orders"].state == "healthy")

    (tmp_path / "sick").touch()
    app = unit("orders")
    source = tmp_path / "app.py"
    words = """print('password authentication failed for user "orders"', flush=True)"""
    source.write_text(source.read_text().replace('print("hello from", name, flush=True)', words))
    play(body, app, pace=replace(QUICK, give_up=60.0, suspect=0.1))
