"""Start, stop and start again, in the order of what needs what."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dsscaffold.runtime.compose.model import Dependency, Restart

from ...patience import PATIENCE_S
from .world import QUICK, MakeUnit, Play, World, job

Lives = Callable[[int], bool]
Journal = Callable[[], list[str]]

#: What is said of an app beside which the file `sick` lies.
SICK = "not ready (database: down)"


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


def test_a_job_that_is_to_be_tried_again(play: Play, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        assert await world.up() == ()
        assert world["migrate"].restarts == 1

    script = "test -e second || { touch second; exit 1; }"
    play(body, replace(job("migrate", script, tmp_path), restart=Restart("on-failure", 3)))


def test_a_job_is_not_tried_again_until_what_it_needs_is_back(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    script = "echo once more >>tries; until test -e gate; do sleep 0.02; done; test ! -e sick"

    async def body(world: World) -> None:
        world.supervisor.start()
        await world.until((tmp_path / "tries").exists)
        (tmp_path / "sick").touch()
        os.kill(world.pid("database"), signal.SIGKILL)
        await world.until(lambda: world["database"].detail == SICK)
        (tmp_path / "gate").touch()
        await world.until(lambda: world["migrate"].state == "restarting")
        began = time.monotonic()
        await world.until(lambda: time.monotonic() - began > 1)
        assert world["migrate"].restarts == 1
        (tmp_path / "sick").unlink()
        assert await world.supervisor.verdicts(["migrate"], world.failures.append) == ()
        assert (tmp_path / "tries").read_text() == "once more\n" * 2

    needs = (Dependency("database", "service_healthy"),)
    migrate = replace(job("migrate", script, tmp_path), depends_on=needs, restart=Restart("on-failure", 8))
    play(body, unit("database"), migrate)


def test_a_job_that_is_brought_in_again_has_all_its_tries_again(play: Play, tmp_path: Path) -> None:
    migrate = replace(job("migrate", "exit $(cat code)", tmp_path), restart=Restart("on-failure", 2))

    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert failure.reason == "ended with code 3"
        assert world["migrate"].restarts == 2
        world.supervisor.bring_in([migrate])
        await world.until(lambda: world["migrate"].restarts == 4)
        (tmp_path / "code").write_text("0")
        assert await world.supervisor.verdicts(["migrate"], world.failures.append) == ()

    (tmp_path / "code").write_text("3")
    play(body, migrate, pace=replace(QUICK, first_restart=0.2))


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
        # Of a machine that halts it may be said before that nothing answers.
        await world.until(lambda: world["orders"].state == "unhealthy" and world["orders"].detail == SICK)
        (tmp_path / "sick").unlink()
        await world.until(lambda: world["orders"].state == "healthy")
        assert world["orders"].restarts == 0

    play(body, unit("orders"))


def test_one_that_is_sick_is_waited_for(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.up()
        assert world.supervisor.awaited(["orders"]) == []
        (tmp_path / "sick").touch()
        await world.until(lambda: world["orders"].state == "unhealthy")
        assert world.supervisor.awaited(["orders"]) == ["orders"]
        world.give_up_after("orders", 0.1)
        (failure,) = await world.supervisor.verdicts(["orders"], world.failures.append)
        assert SICK in failure.reason
        world.give_up_after("orders", PATIENCE_S)
        assert world.supervisor.awaited(["orders"]) == ["orders"]
        (tmp_path / "sick").unlink()
        assert await world.supervisor.verdicts(["orders"], world.failures.append) == ()
        assert world["orders"].state == "healthy"
        assert world["orders"].restarts == 0

    play(body, unit("orders"))


def test_one_that_is_waited_for_anew_does_not_confuse_who_waits_for_it(
    play: Play, unit: MakeUnit, tmp_path: Path
) -> None:
    orders = unit("orders", "database")

    async def body(world: World) -> None:
        await world.up()
        (tmp_path / "sick").touch()
        await world.until(lambda: world["database"].state == "unhealthy")
        for turns in range(6):
            world.give_up_after("database", 0)
            world.supervisor.awaited(["database"])
            await world.supervisor.verdicts(["database"], world.failures.append)
            world.give_up_after("database", PATIENCE_S)
            await world.supervisor.stop(["orders"])
            world.supervisor.bring_in([orders])
            # At whatever moment of its wait.
            for _ in range(turns):
                await asyncio.sleep(0)
            assert world.supervisor.awaited(["database"]) == ["database"]
            for _ in range(6):
                await asyncio.sleep(0)
            assert world["orders"].active, world["orders"].detail

    play(body, unit("database"), orders)


def test_one_that_does_not_want_to_stop_is_killed(
    play: Play, unit: MakeUnit, tmp_path: Path, lives: Lives, wait_until: Callable[..., None]
) -> None:
    pids: list[int] = []

    async def body(world: World) -> None:
        await world.up()
        pids.extend([world.pid("orders"), int((tmp_path / "grandchild").read_text())])

    play(body, replace(unit("orders", STUBBORN="1", GRANDCHILD="1"), stop_grace=0.2))
    wait_until(lambda: not any(map(lives, pids)), "the end of both")
    assert "did not end within 0.2 s" in (tmp_path / ".dsscaffold/run/logs/orders.log").read_text()


def test_one_that_is_being_stopped_is_not_called_unhealthy(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        assert await world.up() == ()
        stopping = asyncio.create_task(world["orders"].stop())
        (tmp_path / "sick").touch()
        await stopping
        assert {state for _, state in world.history} == {"starting", "healthy", "stopped"}

    slow = replace(unit("orders", STUBBORN="1"), stop_grace=1)
    play(body, slow, pace=replace(QUICK, poll_doubted=0.02, give_up=60))


def test_kill_ends_a_stop_that_takes_too_long(play: Play, unit: MakeUnit) -> None:
    async def body(world: World) -> None:
        await world.up()
        stopping = asyncio.create_task(world.supervisor.stop())
        await asyncio.sleep(0)
        world.supervisor.kill()
        async with asyncio.timeout(PATIENCE_S):
            await stopping
        assert world["orders"].state == "stopped"

    play(body, replace(unit("orders", STUBBORN="1"), stop_grace=3600))


def test_a_stop_in_the_middle_of_the_start(play: Play, unit: MakeUnit, journal: Journal) -> None:
    async def body(world: World) -> None:
        starting = asyncio.create_task(world.up())
        await world.until(lambda: world["database"].child)
        await world.supervisor.stop()
        assert [service.state for service in world.supervisor.services.values()] == ["stopped", "stopped"]
        starting.cancel()

    play(body, unit("database"), unit("orders", "database"))
    assert "start orders" not in journal()
