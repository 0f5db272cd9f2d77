"""A rendered system that runs, as the benches look at it: its processes, databases and addresses."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg
import psutil

LOAD = Path(__file__).parent / "load"
CLI = [sys.executable, "-m", "dsscaffold"]
SUPERVISOR = "supervisor"


@dataclass
class Stack:
    """One repository, and the gateway's port."""

    repo: Path
    port: int

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> str:
        """Run the CLI in the repository."""
        done = subprocess.run([*CLI, *arguments], cwd=self.repo, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"dsscaffold {' '.join(arguments)} failed:\n{done.stdout}")
        return done.stdout

    def status(self) -> dict[str, dict[str, Any]]:
        # Its exit code says whether all are healthy, and one may be stopped on purpose.
        done = subprocess.run([*CLI, "status", "--json"], cwd=self.repo, stdout=subprocess.PIPE, check=False)
        return {service["name"]: service for service in json.loads(done.stdout)["services"]}

    def processes(self) -> dict[str, psutil.Process]:
        """Return the process of each service; its children count as a part of it."""
        state = json.loads((self.repo / ".dsscaffold" / "run" / "state.json").read_text())
        pids = {name: service["pid"] for name, service in self.status().items() if service["pid"]}
        return {name: psutil.Process(pid) for name, pid in {**pids, SUPERVISOR: state["supervisor"]["pid"]}.items()}

    @cached_property
    def postgres_port(self) -> int:
        return int(self.status()["postgres"]["url"].rsplit(":", 1)[1])

    def rows(self, database: str, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run a query as the superuser in one service's database."""

        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(
                host="127.0.0.1",
                port=self.postgres_port,
                user="postgres",
                password="postgres",
                database=database,
            )
            try:
                return await connection.fetch(query, *arguments)
            finally:
                await connection.close()

        return asyncio.run(fetch())


@contextmanager
def running(folder: Path, port: int) -> Iterator[Stack]:
    """Render the default preset, start it, and take it away at the end."""
    subprocess.run([*CLI, "new", "demo", "--yes"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    stack = Stack(folder / "demo", port)
    # For the moment of every commit: what a service writes is its own time, before it commits.
    fragment = stack.repo / "compose" / "postgres.yaml"
    image = "    image: postgres:17\n    restart: unless-stopped\n"
    assert image in fragment.read_text()
    fragment.write_text(
        fragment.read_text().replace(image, f"{image}    command: postgres -c track_commit_timestamp=on\n")
    )
    try:
        stack.run("up", "--detach", "--port", str(port))
        yield stack
    finally:
        stack.run("down", "--volumes")


def node() -> Path:
    """Return the folder of the Node that the tool has fetched."""
    cache = Path(os.environ.get("DSSCAFFOLD_CACHE", Path.home() / ".cache" / "dsscaffold"))
    return next(cache.glob("node*/shims"))


def script(name: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a script of load/, with the packages that it needs."""
    tools = f"{node()}:{os.environ['PATH']}"
    if not (LOAD / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--silent"], cwd=LOAD, env={**os.environ, "PATH": tools}, check=True)
    command = [str(node() / "node"), str(LOAD / name), *arguments]
    return subprocess.Popen(
        command, env={**os.environ, "NODE_ENV": "production", **environment}, stdout=subprocess.PIPE, text=True
    )


def drive(origin: str, path: str, **options: Any) -> dict[str, Any]:
    """Put load on one endpoint and return what the load generator has seen."""
    started = script("drive.mjs", json.dumps({"origin": origin, "path": path, **options}))
    output, _ = started.communicate()
    if started.returncode != 0:
        raise SystemExit("the load generator failed")
    seen: dict[str, Any] = json.loads(output)
    return seen


def cpu_seconds(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return the CPU time of each process and its children, also of those that have ended."""
    return {name: _cpu(process, alone=name == SUPERVISOR) for name, process in processes.items()}


def _cpu(process: psutil.Process, *, alone: bool) -> float:
    own = process.cpu_times()
    if alone:
        return float(own.user + own.system)
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
    return float(total)


def megabytes(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return proportional memory: pages that processes share (Postgres' do) count once."""
    families = {
        name: [process] if name == SUPERVISOR else [process, *process.children(recursive=True)]
        for name, process in processes.items()
    }
    return {name: sum(p.memory_full_info().pss for p in family) / 1e6 for name, family in families.items()}


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not happen within {timeout_s:.0f} s")
        time.sleep(0.2)
