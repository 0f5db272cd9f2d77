from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dsscaffold.runtime.process import Command, Runner

from ...patience import PATIENCE_S

Wait = Callable[..., None]
Lives = Callable[[int], bool]

#: Starts a runner with two children and tells their ids: one leads a grandchild, one has ended and been forgotten.
SUPERVISOR = """
import asyncio, os, sys
from pathlib import Path
from dsscaffold.runtime.process import Command, Runner

async def main():
    runner, folder = Runner(), Path(sys.argv[1])
    nap = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])"
    code = f"{nap}; print('up', flush=True); import signal; signal.pause()"
    child = runner.start(Command((sys.executable, "-c", code), folder, dict(os.environ)), folder / "log")
    done = await runner.run(Command((sys.executable, "-c", ""), folder, dict(os.environ)))
    while not (folder / "log").read_text():
        await asyncio.sleep(0.01)
    print(child.pid, runner.guard_pid, done.code, flush=True)
    await child.wait()

asyncio.run(main())
"""


def python(code: str, folder: Path) -> Command:
    return Command((sys.executable, "-c", code), folder, dict(os.environ))


def group_members(group: int) -> list[int]:
    found = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in found.splitlines()]
    return [int(pid) for pid, pgid, stat in rows if int(pgid) == group and not stat.startswith("Z")]


def test_a_tool_returns_its_code_and_all_its_lines(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    heard: list[str] = []

    async def run() -> None:
        runner = Runner()
        done = await runner.run(python(code, tmp_path), heard.append)
        assert done.code == 3
        assert sorted(done.lines) == ["err", "out"]
        assert done.tail(1) == done.lines[-1]
        runner.close()

    asyncio.run(run())
    assert sorted(heard) == ["err", "out"]


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    async def run() -> None:
        runner = Runner()
        try:
            with pytest.raises(FileNotFoundError):
                await runner.run(Command(("/no/such/program",), tmp_path, {}))
        finally:
            runner.close()

    asyncio.run(run())


def test_a_cancelled_tool_is_killed_with_its_group(tmp_path: Path, wait_until: Wait, lives: Lives) -> None:
    code = (
        "import os, subprocess, sys, signal; "
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); "
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}\\n'); signal.pause()"
    )
    pids_file = tmp_path / "pids"

    async def run() -> None:
        runner = Runner()
        task = asyncio.create_task(runner.run(python(code, tmp_path)))
        while not (pids_file.exists() and pids_file.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        runner.close()

    asyncio.run(run())
    for pid in map(int, pids_file.read_text().split()):
        wait_until(lambda pid=pid: not lives(pid), "the end of the tool and its child")


@pytest.mark.parametrize("guard_is_killed_first", [False, True])
def test_the_guard_ends_what_a_killed_supervisor_left(
    tmp_path: Path, wait_until: Wait, lives: Lives, guard_is_killed_first: bool, killed: list[int]
) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        child, guard, code = map(int, supervisor.stdout.readline().split())
        members = group_members(child)
        killed += [*members, guard]
        assert code == 0
        assert len(members) == 2
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guard, number)
        if guard_is_killed_first:
            os.kill(guard, signal.SIGKILL)
        supervisor.kill()
    if guard_is_killed_first:
        assert all(map(lives, members))
    else:
        wait_until(lambda: not any(map(lives, [*members, guard])), "the end of all processes")


def test_a_guard_is_not_ended_by_a_signal_that_comes_while_it_starts(tmp_path: Path, killed: list[int]) -> None:
    async def run() -> None:
        runner = Runner()
        child = runner.start(python("import signal; signal.pause()", tmp_path), tmp_path / "log")
        killed.append(child.pid)
        assert runner.guard_pid is not None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(runner.guard_pid, number)
        runner.close()
        async with asyncio.timeout(PATIENCE_S):
            assert await child.wait() == -signal.SIGKILL

    asyncio.run(run())


def test_a_guard_that_was_killed_is_replaced_and_told_everything(
    tmp_path: Path, wait_until: Wait, lives: Lives
) -> None:
    async def run() -> int:
        runner = Runner()
        child = runner.start(python("import signal; signal.pause()", tmp_path), tmp_path / "log")
        first = runner.guard_pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not lives(first))
        done = await runner.run(python("import sys; print(repr(sys.stdin.read()))", tmp_path))
        assert (done.code, done.lines) == (0, ("''",))
        assert runner.guard_pid not in (None, first)
        # Its pipe ends here, as it would with the supervisor.
        runner.close()
        assert await child.wait() == -signal.SIGKILL
        return child.pid

    assert not lives(asyncio.run(run()))


def test_a_child_leads_a_session_of_its_own_and_inherits_no_descriptor(tmp_path: Path) -> None:
    code = "import os; print(os.getsid(0) == os.getpid(), sorted(map(int, os.listdir('/dev/fd')))[:3])"

    async def run() -> tuple[str, ...]:
        runner = Runner()
        read, write = os.pipe()
        try:
            done = await runner.run(python(code, tmp_path))
        finally:
            os.close(read)
            os.close(write)
            runner.close()
        return done.lines

    assert asyncio.run(run()) == ("True [0, 1, 2]",)


def test_a_tree_is_killed_with_what_hangs_in_a_session_of_its_own(
    tmp_path: Path, wait_until: Wait, lives: Lives
) -> None:
    code = """
import signal, subprocess, sys
nap = [sys.executable, "-c", "import signal; signal.pause()"]
child = subprocess.Popen(nap, start_new_session=True)
child.send_signal(signal.SIGSTOP)
print(child.pid, flush=True)
signal.pause()
"""

    async def run() -> None:
        runner = Runner()
        child = runner.start(python(code, tmp_path), tmp_path / "log")
        wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"))
        grandchild = int((tmp_path / "log").read_text())
        child.kill_tree()
        assert await child.wait() == -signal.SIGKILL
        runner.close()
        wait_until(lambda: not lives(grandchild), "the end of the grandchild")

    asyncio.run(run())


#: Dies between the start of a child and hearing of it, when nothing but the child itself can have told the guard.
DIES_IN_BETWEEN = """
import asyncio, os, signal, subprocess, sys
from pathlib import Path
from dsscaffold.runtime.process import Command, Runner

class Killed(subprocess.Popen):
    def __init__(self, argv, **options):
        super().__init__(argv, **options)
        if "signal.pause()" in argv[-1]:
            print(self.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    folder = Path(sys.argv[1])
    subprocess.Popen = Killed
    command = Command((sys.executable, "-c", "import signal; signal.pause()"), folder, dict(os.environ))
    Runner().start(command, folder / "log")

asyncio.run(main())
"""


def test_a_supervisor_that_is_killed_while_it_starts_a_process_leaves_none(
    tmp_path: Path, wait_until: Wait, lives: Lives, killed: list[int]
) -> None:
    command = [sys.executable, "-c", DIES_IN_BETWEEN, str(tmp_path)]
    supervisor = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=PATIENCE_S)
    assert supervisor.returncode == -signal.SIGKILL
    child = int(supervisor.stdout)
    killed.append(child)
    wait_until(lambda: not lives(child), "the end of what it started")
