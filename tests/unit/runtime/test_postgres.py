"""A real Postgres: as root, whom it refuses to serve, as anybody else, from a read-only cache, and after a kill."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.toolchain.cache import cache_folder

from ...patience import PATIENCE_S
from .namespaces import run_with_mounts
from .small_repo import FOLDER, SmallRepo

COMPOSE = "services: {postgres: {image: 'postgres:17', x-local: {server: postgres}}}\n"
TEMPLATES = Path(__file__).parents[3] / "templates/compose/compose"
#: Somebody who is not root, with no right to become anybody else.
AS_A_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
WAYS: dict[str, tuple[str, ...]] = {"root": (), "user": AS_A_USER} if os.geteuid() == 0 else {"user": ()}

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repo(tmp_path: Path) -> SmallRepo:
    repo = SmallRepo(tmp_path / FOLDER)
    (repo.root / "postgres.yaml").write_text(COMPOSE)
    compose = repo.root / "compose.yaml"
    paths = [*json.loads(compose.read_text().removeprefix("include: ")), "postgres.yaml"]
    compose.write_text(f"include: {json.dumps(paths)}\n")
    return repo


@pytest.fixture(params=WAYS)
def call(request: pytest.FixtureRequest, repo: SmallRepo) -> Iterator[Call]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return repo.call(*arguments, prefix=WAYS[request.param])

    yield run
    assert run("down", "--volumes").returncode == 0


def test_up_down_and_up_again(repo: SmallRepo, call: Call, request: pytest.FixtureRequest) -> None:
    run = RunFolder(repo.root)
    inside = run.data / "postgres" / "data" / "PG_VERSION"
    for _ in range(2):
        up = call("up", "--detach")
        assert up.returncode == 0, up.stdout + up.stderr
        status = json.loads(call("status", "--json").stdout)
        assert {entry["name"]: entry["state"] for entry in status["services"]} == {
            "orders": "healthy",
            "users": "healthy",
            "postgres": "healthy",
        }
        # Root's lies where the user can get to that Postgres runs as.
        assert inside.is_file() is ("root" not in request.node.name)
        assert (run.root / "outside").is_file() is ("root" in request.node.name)
        assert call("down").returncode == 0


def test_a_root_that_cannot_be_another_user_is_told_so(repo: SmallRepo) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        one_user = ("unshare", "--user", "--map-root-user", "env", f"TMPDIR={temporary}")
        try:
            up = repo.call("up", "--detach", prefix=one_user)
            assert up.returncode == 1
            assert "Postgres does not run as root" in up.stderr
            assert "Hint:  Run dsscaffold as a user that is not root." in up.stderr
        finally:
            assert repo.call("down", "--volumes", prefix=one_user).returncode == 0


def test_what_outlives_a_killed_postgres_is_ended_before_the_next_one(
    repo: SmallRepo, wait_until: Callable[..., None], lives: Callable[[int], bool], killed: list[int]
) -> None:
    """A session that does not notice that its server is gone would go on writing beside the next one."""
    try:
        assert repo.up("postgres").ok
        server = psutil.Process(repo.pid("postgres"))
        port = int(str(repo.service("postgres").url).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            wait_until(lambda: session_of(server, client), "the session begins")
            session = session_of(server, client)
            killed.append(session)
            os.kill(session, signal.SIGSTOP)
            os.kill(server.pid, signal.SIGKILL)
            wait_until(lambda: repo.service("postgres").restarts and repo.states()["postgres"] == "healthy")
            assert not lives(session)
    finally:
        repo.down()


def session_of(server: psutil.Process, client: socket.socket) -> int:
    """Return the process that serves a client, of all that the server may have started meanwhile; or 0."""
    for child in server.children():
        with contextlib.suppress(psutil.Error):
            if client.getsockname() in {connection.raddr for connection in child.net_connections("tcp")}:
                return child.pid
    return 0


@pytest.fixture
def job(repo: SmallRepo) -> Path:
    """Bring in the catalogue's Postgres, with the job that makes databases; return their list."""
    shutil.copytree(TEMPLATES, repo.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.jinja"))
    repo.add("orders", "{databases: {condition: service_completed_successfully}}")
    compose = repo.root / "compose.yaml"
    paths = [*json.loads(compose.read_text().removeprefix("include: ")), "postgres.yaml"]
    compose.write_text(f"include: {json.dumps(paths)}\n")
    databases = repo.root / "postgres/databases.txt"
    databases.write_text("".join(f"db{number}\n" for number in range(10)))
    return databases


def test_a_postgres_that_dies_while_the_databases_are_made_delays_the_start_and_no_more(
    repo: SmallRepo, job: Path, wait_until: Callable[..., None]
) -> None:
    try:
        assert repo.up("postgres").ok
        command = [sys.executable, "-m", "dsscaffold", "up", "--detach"]
        with (
            no_new_roles(repo) as is_wanted,
            subprocess.Popen(command, cwd=repo.root, stdout=subprocess.PIPE, text=True) as starting,
        ):
            wait_until(is_wanted, "the job is at work")
            os.kill(repo.pid("postgres"), signal.SIGKILL)
            said, _ = starting.communicate(timeout=PATIENCE_S)
        assert starting.returncode == 0, said
        assert repo.states() == {"orders": "healthy", "users": "healthy", "postgres": "healthy"}
        assert "databases ended with code 2, and is started again" in RunFolder(repo.root).log("databases").read_text()
        # The job that had to be tried again was then done, down to the last line.
        asyncio.run(log_in(repo, job.read_text().split()[-1]))
    finally:
        repo.down()


async def log_in(repo: SmallRepo, name: str) -> None:
    """Get into the database of a name, as the user of that name."""
    connection = await connect(repo, name)
    await connection.close()


async def connect(repo: SmallRepo, name: str) -> asyncpg.Connection[asyncpg.Record]:
    address = str(repo.service("postgres").url).removeprefix("postgresql://")
    return await asyncpg.connect(f"postgresql://{name}:{name}@{address}/{name}")


@contextlib.contextmanager
def no_new_roles(repo: SmallRepo) -> Iterator[Callable[[], bool]]:
    """Let whoever makes a role wait, for as long as this server lives; yield what tells whether anybody does."""

    async def lock() -> asyncpg.Connection[asyncpg.Record]:
        connection = await connect(repo, "postgres")
        await connection.execute("BEGIN; LOCK TABLE pg_authid IN SHARE MODE")
        return connection

    with asyncio.Runner() as runner:
        connection = runner.run(lock())

        async def is_wanted() -> bool:
            return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

        try:
            yield lambda: runner.run(is_wanted())
        finally:
            connection.terminate()


#: In a mount namespace of its own, where not even root can write the cache. Its root is no other user than ours.
MOUNTED = {**os.environ, "AS_WHOM": "" if os.geteuid() == 0 else " ".join(AS_A_USER)}
READ_ONLY = """
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99
export DSSCAFFOLD_CACHE="$1"
$AS_WHOM "$PYTHON" -m dsscaffold "$2" $3
code=$?
$AS_WHOM "$PYTHON" -m dsscaffold down --volumes >/dev/null
exit $code
"""


def test_a_cache_that_is_read_only_is_enough_when_it_is_complete(repo: SmallRepo) -> None:
    fetched = repo.call("fetch")
    assert fetched.returncode == 0, fetched.stderr
    up = run_with_mounts(READ_ONLY, cache_folder(os.environ), "up", "--detach", env=MOUNTED, cwd=repo.root)
    assert up.returncode == 0, up.stdout + up.stderr


def test_a_cache_that_is_read_only_and_lacks_something_says_so(repo: SmallRepo, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    # Which no machine has; the host's own Postgres would be taken in place of ours.
    (repo.root / "postgres.yaml").write_text("services: {kafka: {image: kafka, x-local: {server: kafka}}}\n")
    refused = run_with_mounts(READ_ONLY, cache, "fetch", "", env=MOUNTED, cwd=repo.root)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    said = " ".join(refused.stderr.split())
    assert re.search("lacks (Kafka|Java)", said)
    assert "cannot be written: Read-only file system" in said
    assert "dsscaffold fetch" in said
