"""`down`, where another process takes the repository, or clears it up, in the same moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.runtime.local import backend
from dsscaffold.runtime.local.holder import holder
from dsscaffold.runtime.repo import RunFolder

from ...patience import PATIENCE_S

#: Holds a repository, and says who it is only once it is told to.
LATE = """
import os, signal, sys
from pathlib import Path
from dsscaffold.runtime.lock import acquire

path = Path(sys.argv[1])
lock = acquire(path)
print("held", flush=True)
sys.stdin.readline()
path.write_text(f"{os.getpid()}\\n")
signal.pause()
"""


@pytest.fixture
def run(repo: Path) -> RunFolder:
    folder = RunFolder(repo)
    folder.create()
    return folder


def test_down_stops_one_that_has_not_said_yet_who_it_is(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", LATE, str(run.lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        looks: list[int | None] = []

        def look(folder: RunFolder) -> int | None:
            looks.append(holder(folder))
            if looks == [0, 0]:
                other.stdin.write(b"now\n")  # type: ignore[union-attr]
                other.stdin.flush()  # type: ignore[union-attr]
            return looks[-1]

        monkeypatch.setattr(backend, "holder", look)
        try:
            assert run_down(run.repo).was_running
            assert other.wait(PATIENCE_S) == -signal.SIGTERM
        finally:
            other.kill()


def test_of_two_downs_at_once_none_ends_the_other(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever clears up reads there; a pipe has it wait.
    os.mkfifo(run.state)
    command = [sys.executable, "-m", "dsscaffold", "down"]
    with subprocess.Popen(command, cwd=run.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as first:
        looks: list[int | None] = []

        def look(folder: RunFolder) -> int | None:
            looks.append(holder(folder))
            if first.poll() is not None:
                run.state.unlink(missing_ok=True)
            elif len(looks) > 3:
                # Nobody reads yet, or any more.
                with contextlib.suppress(OSError):
                    os.close(os.open(run.state, os.O_WRONLY | os.O_NONBLOCK))
            return looks[-1]

        while holder(run) is None:
            assert first.poll() is None
        monkeypatch.setattr(backend, "holder", look)
        run_down(run.repo)
        said, _ = first.communicate(timeout=PATIENCE_S)
        assert first.returncode == 0, said
        assert not run.state.exists()
