"""What is said of a service that does not start, and that the rest stays up."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.compose.model import Restart
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.unit import Unit

from .world import ALWAYS, QUICK, MakeUnit, Play, World, job


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


def test_one_that_does_not_become_healthy_is_reported_and_stays(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.supervisor.start()
        await world.until(lambda: world["orders"].detail == "not ready (database: down)")
        world.give_up_after("orders", 0.1)
        (failure,) = await world.supervisor.verdicts(["orders"], world.failures.append)
        assert re.fullmatch(r"not healthy after \d+\.\d s: not ready \(database: down\)", failure.reason)
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
    play(body, broken, pace=replace(QUICK, give_up=60.0))


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
