"""`up` in the foreground, and the ways in which it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.commands.status import run_status

from .one_service import processes

Wait = Callable[..., None]
Lives = Callable[[int], bool]
Journal = Callable[[], list[str]]

#: `up` in the foreground; the events that matter go to stdout, a line each.
FOREGROUND = """
import sys
from pathlib import Path
from dsscaffold.commands.up import run_up

def show(event):
    print(type(event).__name__, getattr(event, "line", ""), flush=True)

result = run_up(Path(sys.argv[1]), on_event=show)
print("end", result.ok, result.interrupted, flush=True)
"""


@pytest.fixture
def sick(repo: Path) -> None:
    """Have the service not become healthy: what is done during the start then comes in time, on any machine."""
    (repo / "sick").touch()


@pytest.fixture
def foreground(repo: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", FOREGROUND, str(repo)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def read_until(process: subprocess.Popen[str], start: str) -> list[str]:
    """Return what the process prints up to a line that starts so."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith(start):
        line = process.stdout.readline()
        assert line, f"it ended after {lines}"
        lines.append(line.rstrip())
    return lines


def test_foreground_until_interrupted(
    repo: Path, foreground: subprocess.Popen[str], journal: Journal, lives: Lives, wait_until: Wait
) -> None:
    read_until(foreground, "Ready")
    pids = processes(repo)
    with (repo / ".dsscaffold/run/logs/orders.log").open("a") as log:
        log.write("something new\n")
    read_until(foreground, "LogLine something new")
    foreground.send_signal(signal.SIGINT)
    assert read_until(foreground, "end")[-1] == "end True False"
    foreground.wait()
    assert journal() == ["start orders", "stop orders"]
    # What the service left is killed, which takes a moment where the machine has a lot else to do.
    wait_until(lambda: not any(map(lives, pids)))


@pytest.mark.usefixtures("sick")
def test_an_interrupt_during_the_start_stops_everything(
    repo: Path, foreground: subprocess.Popen[str], wait_until: Wait
) -> None:
    read_until(foreground, "EnvironmentStarted")
    foreground.send_signal(signal.SIGINT)
    assert read_until(foreground, "end")[-1] == "end False True"
    foreground.wait()
    assert [service.state for service in run_status(repo).services] == ["stopped"]
    wait_until(lambda: not [p for p in psutil.process_iter(["cmdline"]) if str(repo) in str(p.info["cmdline"])])


@pytest.mark.usefixtures("sick")
@pytest.mark.parametrize("moment", ["EnvironmentStarted", "ServiceChanged"])
def test_an_interrupt_while_waiting_for_a_detached_start_stops_it(repo: Path, moment: str, wait_until: Wait) -> None:
    code = FOREGROUND.replace("on_event=show", "on_event=show, detach=True")
    with subprocess.Popen([sys.executable, "-c", code, str(repo)], stdout=subprocess.PIPE, text=True) as waiting:
        read_until(waiting, moment)
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait() != 0
    assert [service.state for service in run_status(repo).services] == ["stopped"]
    wait_until(lambda: not [p for p in psutil.process_iter(["cmdline"]) if str(repo) in str(p.info["cmdline"])])


def test_down_stops_a_foreground_up(repo: Path, foreground: subprocess.Popen[str]) -> None:
    read_until(foreground, "Ready")
    assert run_down(repo).was_running
    assert read_until(foreground, "end")[-1] == "end True False"


def test_whoever_follows_may_go_away(
    repo: Path, foreground: subprocess.Popen[str], lives: Lives, wait_until: Wait
) -> None:
    read_until(foreground, "Ready")
    pids = processes(repo)
    assert foreground.stdout is not None
    foreground.stdout.close()
    with (repo / ".dsscaffold/run/logs/orders.log").open("a") as log:
        log.write("nobody reads this\n")
    assert foreground.wait() != 0
    wait_until(lambda: not any(map(lives, pids)))
