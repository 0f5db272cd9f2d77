"""What a supervisor that was killed leaves behind, and what clears it up."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.commands.status import run_status
from dsscaffold.runtime.local.holder import holder
from dsscaffold.runtime.lock import is_held
from dsscaffold.runtime.process_table import identify
from dsscaffold.runtime.repo import RunFolder

from ...patience import PATIENCE_S
from .one_service import detached, processes

Wait = Callable[..., None]
Lives = Callable[[int], bool]
Journal = Callable[[], list[str]]

#: How many moments there are to die at while a verb is at work.
MOMENTS = {"up": 6, "restart": 3, "down": 3}


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
    socket = Path((repo / ".dsscaffold/run/control").read_text())
    assert socket.is_socket()
    if then == "up":
        assert detached(repo).ok
    else:
        assert not run_down(repo).was_running
        assert not socket.exists()
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


def test_up_starts_all_where_the_supervisor_ends_while_it_is_asked(repo: Path) -> None:
    run = RunFolder(repo)
    run.create()
    # Whoever asks reads there first; a pipe tells when.
    os.mkfifo(run.control)
    code = "import sys; from pathlib import Path; from dsscaffold.runtime.lock import acquire; "
    code += "acquire(Path(sys.argv[1]), text='1'); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(run.lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        asking = [sys.executable, "-m", "dsscaffold", "up", "--detach"]
        with subprocess.Popen(asking, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as caller:
            with run.control.open("w") as asked:
                other.kill()
                other.wait()
                run.control.unlink()
                asked.write("/nowhere")
            said, _ = caller.communicate(timeout=PATIENCE_S)
        assert caller.returncode == 0, said
    assert [service.state for service in run_status(repo).services] == ["healthy"]


#: Holds a repository, and listens, but is never there for who calls.
DEAF = """
import select, socket, sys
from pathlib import Path
from dsscaffold.runtime.lock import acquire

lock = acquire(Path(sys.argv[1]), text="1")
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[2])
server.listen()
print("listens", flush=True)
select.select([server], [], [])
print("asked", flush=True)
sys.stdin.read()
"""


def test_up_starts_all_where_the_supervisor_is_killed_with_a_request_unread(repo: Path) -> None:
    run = RunFolder(repo)
    run.create()
    with tempfile.TemporaryDirectory() as short:
        run.control.write_text(f"{short}/control")
        command = [sys.executable, "-c", DEAF, str(run.lock), f"{short}/control"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"listens\n"
            asking = [sys.executable, "-m", "dsscaffold", "up", "--detach"]
            with subprocess.Popen(asking, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as caller:
                assert other.stdout.readline() == b"asked\n"
                other.kill()
                said, _ = caller.communicate(timeout=PATIENCE_S)
            assert caller.returncode == 0, said.decode()
    assert [service.state for service in run_status(repo).services] == ["healthy"]


def sessions(supervisor: int) -> set[int]:
    """Return the sessions of all that a supervisor has started, its guard included."""
    found = set()
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        for process in psutil.Process(supervisor).children(recursive=True):
            found.add(os.getsid(process.pid))
    return found


def members(wanted: set[int]) -> list[int]:
    """Return the processes of some sessions that live."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(pid) in wanted and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


@pytest.mark.parametrize(
    ("verb", "moment"), [(verb, moment) for verb, moments in MOMENTS.items() for moment in range(moments)]
)
def test_at_whatever_moment_a_supervisor_is_killed_nothing_is_left(
    repo: Path, wait_until: Wait, verb: str, moment: int
) -> None:
    if verb != "up":
        detached(repo)
    arguments = {"up": ["up", "--detach"], "restart": ["restart", "orders"], "down": ["down"]}[verb]
    command = [sys.executable, "-m", "dsscaffold", *arguments]
    with subprocess.Popen(command, cwd=repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as caller:
        supervisor = supervisor_of(repo, caller.pid, wait_until)
        seen = sessions(supervisor)
        # A moment is a change of what there is: a process more, or one less.
        for _ in range(moment):
            before = now = sessions(supervisor)
            while now == before and is_held(repo / ".dsscaffold/run/lock") and caller.poll() is None:
                now = sessions(supervisor)
            seen |= now
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor, signal.SIGKILL)
        wait_until(lambda: not members(seen), "the end of all sessions")
        caller.wait(PATIENCE_S)
    assert detached(repo).ok


def supervisor_of(repo: Path, caller: int, wait_until: Wait) -> int:
    """Return the process that holds the repository, once that is not the one that only asks for it."""
    found = 0

    def look() -> bool:
        nonlocal found
        # Kept, since it may have ended by the next look; and whoever kills process 0 kills the tests.
        found = holder(RunFolder(repo)) or 0
        return found not in (0, caller)

    wait_until(look)
    return found
