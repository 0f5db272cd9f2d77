"""Processes that say nothing: from their start, or after they were healthy. Real ones, stopped by SIGSTOP."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dsscaffold.runtime.compose.model import Restart, RestartMode
from dsscaffold.runtime.health import Silence
from dsscaffold.runtime.local.silence import HangDetector
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.unit import Unit

from .world import QUICK, MakeUnit, Play, World, job

#: Before it listens it waits for a file.
GATE = """
import os, time
while not os.path.exists("gate"):
    time.sleep(0.01)
"""


def hangs_at_start(tmp_path: Path, unit: Unit) -> Unit:
    source = tmp_path / "app.py"
    source.write_text(GATE + source.read_text())
    return replace(unit, start_within=0.3)


def test_one_that_hangs_before_it_was_ever_healthy_is_started_again(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.supervisor.start()
        await world.until(lambda: world["orders"].restarts == 1 and world["orders"].child)
        first = world["orders"].status()
        assert "gave no answer within 0.3 s of its start (nothing listens on port" in first.detail
        assert "before that, it" in first.detail
        (tmp_path / "gate").touch()
        await world.until(lambda: world["orders"].state == "healthy")
        assert world["orders"].status().detail == ""
        assert world.details("orders", "restarting")[0].endswith("and was killed; starts again in 0.02 s")
        assert "[dsscaffold] orders gave no answer within 0.3 s" in world["orders"].log.read_text()

    play(body, hangs_at_start(tmp_path, unit("orders")))


def test_it_gets_twice_the_time_at_each_start(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.supervisor.start()
        await world.until(lambda: world["orders"].restarts == 2)
        first, second = world.details("orders", "restarting")
        assert "within 0.3 s" in first
        assert "within 0.6 s" in second

    play(body, hangs_at_start(tmp_path, unit("orders")))


def test_the_time_up_to_the_verdict_is_that_of_all_starts_together(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        (failure,) = await world.up()
        found = re.match(r"not healthy after (\d+\.\d) s", failure.reason)
        assert found
        assert float(found[1]) > time.monotonic() - world.restarted["orders"], "it is not counted from the last start"

    slow = replace(hangs_at_start(tmp_path, unit("orders")), start_within=1.0)
    play(body, slow, pace=replace(QUICK, give_up=2.0))


def test_one_that_says_why_it_is_not_ready_is_not_hung(play: Play, unit: MakeUnit, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.supervisor.start()
        await world.until(lambda: world["orders"].detail == "not ready (database: down)")
        # A slow machine may need more than one start, if once no answer came in time; each has twice the time of the
        # one before. Were an answer that says why held against it, none would live for three times as long.
        lives: dict[int, float] = {}

        def outlived() -> bool:
            starts = world["orders"].restarts
            began = lives.setdefault(starts, time.monotonic())
            return time.monotonic() - began > 3 * 0.3 * 2.0**starts

        await world.until(outlived)

    (tmp_path / "sick").touch()
    play(body, replace(unit("orders"), start_within=0.3))


def test_one_that_hangs_is_unhealthy_before_it_is_killed(play: Play, unit: MakeUnit) -> None:
    async def body(world: World) -> None:
        await world.up()
        os.kill(world.pid("orders"), signal.SIGSTOP)
        await world.until(lambda: world["orders"].restarts == 1)
        states = [state for _, state in world.history]
        assert states[states.index("healthy") :] == ["healthy", "unhealthy", "restarting"]

    # It counts as hung by the first probe that fails.
    play(body, replace(unit("orders"), hung_after=0.01))


def test_how_it_hung_is_forgotten_once_it_answers() -> None:
    clock = Clock()
    detector = HangDetector(UNIT, clock)
    clock.now += 5
    detector.hangs(Silence("no answer"), was_healthy=True)
    clock.now += 5
    assert detector.hangs(Silence("no answer"), was_healthy=True)
    assert detector.ending == "hung (no answer, for 10 s) and was killed"
    assert not detector.hangs("", was_healthy=True)
    assert detector.ending == ""


@pytest.mark.parametrize("moment", ["start", "healthy"])
def test_sigstop_for_longer_than_is_allowed_ends_healthy(
    play: Play, unit: MakeUnit, tmp_path: Path, moment: str, lives: Callable[[int], bool]
) -> None:
    async def body(world: World) -> None:
        world.supervisor.start()
        if moment == "healthy":
            await world.until(lambda: world["orders"].state == "healthy")
        await world.until(lambda: world["orders"].child)
        pid = world.pid("orders")
        os.kill(pid, signal.SIGSTOP)
        (tmp_path / "gate").touch()
        await world.until(lambda: world["orders"].state == "healthy" and world.pid("orders") != pid)
        assert world["orders"].restarts > 0
        assert not lives(pid)

    stopped = replace(unit("orders"), start_within=0.3, hung_after=0.3)
    play(body, hangs_at_start(tmp_path, stopped) if moment == "start" else stopped)


@pytest.mark.parametrize(("within", "mode"), [(0.0, "always"), (0.3, "no")])
def test_one_that_is_to_be_left_alone(
    play: Play, unit: MakeUnit, tmp_path: Path, within: float, mode: RestartMode
) -> None:
    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert failure.reason.startswith("not healthy after")
        assert world["orders"].restarts == 0
        assert world["orders"].child

    hanging = replace(hangs_at_start(tmp_path, unit("orders")), start_within=within, restart=Restart(mode))
    play(body, hanging, pace=replace(QUICK, give_up=1.0))


def test_a_job_that_does_not_end_is_reported_and_goes_on(play: Play, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        (failure,) = await world.up()
        assert failure.reason == "not done after 3 s; it goes on"
        assert failure.log_tail == ("waits for a lock",)
        (tmp_path / "gate").touch()
        await world.until(lambda: world["migrate"].done)

    script = "echo waits for a lock; until test -e gate; do sleep 0.02; done"
    play(body, job("migrate", script, tmp_path), pace=replace(QUICK, give_up_job=3.0))


UNIT = Unit("x", "service", Command((), Path("/"), {}), restart=Restart("always"), start_within=60, hung_after=10)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_halt_of_our_own_is_not_held_against_a_process() -> None:
    clock = Clock()
    detector = HangDetector(UNIT, clock)
    assert not detector.hangs(Silence("x"), was_healthy=False)
    # The machine was asleep.
    clock.now += 8 * 3600
    assert not detector.hangs(Silence("x"), was_healthy=False)
    assert not detector.hangs(Silence("x"), was_healthy=True)
