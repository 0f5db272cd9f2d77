"""Small apps that really run, and ways to wait for what they do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.runtime.compose.model import ComposeProject, ComposeService, Condition, Dependency
from dsscaffold.runtime.compose.reader import read_compose
from dsscaffold.runtime.health import http_ready
from dsscaffold.runtime.local.pace import Pace
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.unit import Unit

from ...patience import PATIENCE_S
from ...ports import free_port
from .one_service import COMPOSE
from .world import ALWAYS, QUICK, Body, World

#: Answers /health/ready with 200, or 503 while a file `sick` lies beside it; says when it starts and stops.
APP = """
import os, signal, socket, subprocess, sys

name = os.environ.get("NAME", "app")

def say(what):
    with open("journal", "a") as journal:
        journal.write(f"{what} {name}\\n")

def stop(*_):
    if os.environ.get("STUBBORN"):
        return
    say("stop")
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
say("start")
print("hello from", name, flush=True)
if os.environ.get("GRANDCHILD"):
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    open("grandchild", "w").write(str(child.pid))
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        if os.path.exists("sick"):
            body = b'{"checks": {"database": {"status": "down"}, "relay": {"status": "ok"}}}'
            head = b"HTTP/1.0 503 Service Unavailable\\r\\n\\r\\n"
        else:
            body, head = b"{}", b"HTTP/1.0 200 OK\\r\\n\\r\\n"
        connection.sendall(head + body)
"""


def wait_until(condition: Callable[[], object], what: str = "the condition") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {PATIENCE_S} s"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    return wait_until


@pytest.fixture(name="lives")
def _lives() -> Callable[[int], bool]:
    return lives


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., Command]:
    """Return the command of an app in `tmp_path`; keywords become its environment."""
    (tmp_path / "app.py").write_text(APP)

    def command(**env: str) -> Command:
        return Command((sys.executable, "-S", "app.py"), tmp_path, {"PATH": os.environ["PATH"], **env})

    return command


@pytest.fixture
def journal(tmp_path: Path) -> Callable[[], list[str]]:
    """Return what the apps of `tmp_path` said, in order."""

    def read() -> list[str]:
        path = tmp_path / "journal"
        return path.read_text().splitlines() if path.exists() else []

    return read


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path)
    folder.create()
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file under `tmp_path`, with the indentation of the test taken away."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
        return path

    return write_file


@pytest.fixture
def killed() -> Iterator[list[int]]:
    """A list of process ids that are killed after the test, whatever became of it."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        if lives(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


#: A service with room for more keys, which start with a line break.
SERVICE = """
services:
  a:
    build: .
    x-local: {{runtime: python, command: [python, -m, app]}}
    {keys}
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ComposeProject]:
    def read_with(**environ: str) -> ComposeProject:
        return read_compose(tmp_path, environ)

    return read_with


@pytest.fixture
def service(tmp_path: Path) -> Callable[..., ComposeService]:
    """Read a service that has some more keys."""

    def read_service(*keys: str, **environ: str) -> ComposeService:
        (tmp_path / "compose.yaml").write_text(SERVICE.format(keys="\n    ".join(keys)))
        return read_compose(tmp_path, environ).services["a"]

    return read_service


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
def unit(app: Callable[..., Command]) -> Callable[..., Unit]:
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


@pytest.fixture
def repo(tmp_path: Path, app: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    assert app is not None
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "dsscaffold.yaml").write_text("version: 1\n")
    (tmp_path / "requirements.txt").write_text("# nothing is needed\n")
    (tmp_path / "compose.yaml").write_text(COMPOSE.format(migrate="print('migrated')"))
    yield tmp_path
    run_down(tmp_path, volumes=True)
