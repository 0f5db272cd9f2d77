"""A clock that is set while things run: by the owner, by NTP, by a machine that wakes up."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.runtime.lock import acquire

from ...patience import PATIENCE_S
from .one_service import detached, processes
from .world import MakeUnit, Play, World

YEAR = 365 * 24 * 3600


def test_a_service_is_kept_as_well_as_ever(play: Play, unit: MakeUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = random.Random(0)

    async def body(world: World) -> None:
        assert await world.up() == ()
        os.kill(world.pid("orders"), signal.SIGKILL)
        await world.until(lambda: world["orders"].restarts == 1 and world["orders"].state == "healthy")
        stopped = world.pid("orders")
        os.kill(stopped, signal.SIGSTOP)
        await world.until(lambda: world["orders"].state == "healthy" and world.pid("orders") != stopped)
        assert world["database"].restarts == 0

    monkeypatch.setattr(time, "time", lambda: jumps.uniform(0, 60 * YEAR))
    orders = replace(unit("orders", "database"), hung_after=0.3)
    play(body, unit("database"), orders)


def test_who_waits_for_a_lock_waits_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = acquire(tmp_path / "lock")
    assert held
    jumps = random.Random(0)
    monkeypatch.setattr(time, "time", lambda: jumps.uniform(0, 60 * YEAR))
    began = time.monotonic()
    assert acquire(tmp_path / "lock", wait=0.1) is None
    assert 0.1 <= time.monotonic() - began < PATIENCE_S
    held.release()


def test_what_a_killed_run_left_is_known_again(
    repo: Path,
    wait_until: Callable[..., None],
    lives: Callable[[int], bool],
    killed: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detached(repo)
    supervisor, *others = processes(repo)
    killed += others
    guards = [pid for pid in others if "guard.py" in " ".join(psutil.Process(pid).cmdline())]
    for pid in (*guards, supervisor):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(lives, (*guards, supervisor))))
    platform = psutil._psplatform  # type: ignore[attr-defined]
    booted = platform.boot_time()
    # What the system says of its own start follows the clock.
    monkeypatch.setattr(platform, "boot_time", lambda: booted + 3600)
    run_down(repo)
    assert not any(map(lives, others))
