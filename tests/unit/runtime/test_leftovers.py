"""What a supervisor that was killed leaves behind, and what clears it up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.commands.status import run_status
from dsscaffold.runtime.lock import is_held
from dsscaffold.runtime.process_table import identify

from .one_service import detached, processes

Wait = Callable[..., None]
Lives = Callable[[int], bool]
Journal = Callable[[], list[str]]


def test_a_killed_supervisor_leaves_no_process(repo: Path, wait_until: Wait, lives: Lives) -> None:
    result = detached(repo)
    pids = processes(repo)
    assert len(pids) == 4
    os.kill(result.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(lives, pids)), "the end of all processes")
    wait_until(lambda: not is_held(repo / ".dsscaffold/run/lock"))
    assert [service.state for service in run_status(repo).services] == ["stopped"]
    assert detached(repo).ok


@pytest.mark.parametrize("then", ["up", "down"])
def test_what_a_killed_supervisor_and_guard_left_is_ended(
    repo: Path, wait_until: Wait, lives: Lives, then: str, killed: list[int]
) -> None:
    detached(repo)
    supervisor, *others = processes(repo)
    killed += others
    guards = [pid for pid in others if "guard.py" in " ".join(psutil.Process(pid).cmdline())]
    for pid in (*guards, supervisor):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(lives, (*guards, supervisor))) and not is_held(repo / ".dsscaffold/run/lock"))
    left = [pid for pid in others if lives(pid)]
    assert len(left) == 2
    if then == "up":
        assert detached(repo).ok
    else:
        assert not run_down(repo).was_running
    assert not any(map(lives, left))


@pytest.mark.parametrize("change", [{"created": 1.0}, {"boot": "another start of the system"}])
def test_a_process_with_the_number_of_a_former_one_is_left_alone(
    repo: Path, lives: Lives, change: dict[str, Any]
) -> None:
    detached(repo)
    run_down(repo)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True) as other:
        state = {
            "supervisor": {"pid": 1, "created": 0.0},
            "services": [],
            "processes": [asdict(replace(identify(psutil.Process(other.pid)), **change))],
        }
        (repo / ".dsscaffold/run/state.json").write_text(json.dumps(state))
        run_down(repo)
        assert lives(other.pid)
        other.kill()
