"""A rendered repository that runs for real: how the tests drive it, break it, and look at what it left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import psutil

from dsscaffold.runtime.choose import backend_for

from ..patience import PATIENCE_S
from .processes import descendants, lives_in, living
from .topics import event_of, read_topic

T = TypeVar("T")
TERMINAL = {"completed", "failed"}


def dsscaffold(*arguments: str, cwd: Path, timeout_s: float = 2 * PATIENCE_S) -> subprocess.CompletedProcess[str]:
    """Run the CLI as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dsscaffold", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def wait_for(condition: Callable[[], T | None], what: str) -> T:
    """Return the first value of `condition` that is true."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {PATIENCE_S} s")


@dataclass(frozen=True)
class Stack:
    """One repository and the gateway's port."""

    repo: Path
    port: int

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> dict[str, Any]:
        result = dsscaffold("up", "--detach", "--port", str(self.port), cwd=self.repo)
        assert result.returncode == 0, result.stdout + result.stderr
        return self.status()

    def down(self, *arguments: str) -> None:
        result = dsscaffold("down", *arguments, cwd=self.repo)
        assert result.returncode == 0, result.stdout + result.stderr

    def make(self, *targets: str) -> subprocess.CompletedProcess[str]:
        """Run the repository's own Makefile against what runs; it finds `dsscaffold` after all that it finds itself."""
        path = f"{os.environ['PATH']}:{Path(sys.executable).parent}"
        return subprocess.run(
            ["make", *targets],
            cwd=self.repo,
            env={**os.environ, "PATH": path, "GATEWAY_URL": self.gateway},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE_S,
            check=False,
        )

    def get(self, path: str) -> httpx.Response:
        """Call the gateway."""
        return httpx.get(f"{self.gateway}{path}", timeout=PATIENCE_S, trust_env=False)

    def status(self) -> dict[str, Any]:
        """Return the services of `status --json` by name, and the exit code as `exit`."""
        result = dsscaffold("status", "--json", cwd=self.repo)
        document: dict[str, Any] = json.loads(result.stdout)
        return {"exit": result.returncode, **{service["name"]: service for service in document["services"]}}

    def look(self) -> dict[str, Any]:
        """Return what `status` would say, without a process of its own, which may come too late to see what passes."""
        status = backend_for(self.repo).status()
        return {"exit": int(not status.healthy), **{service.name: service.to_json() for service in status.services}}

    def supervisor(self) -> psutil.Process:
        state = json.loads((self.repo / ".dsscaffold" / "run" / "state.json").read_text())
        return psutil.Process(state["supervisor"]["pid"])

    def process(self, name: str) -> psutil.Process:
        """Return the process of a service that runs."""
        pid = self.look()[name]["pid"]
        # Without a number psutil would give us our own process, to be killed.
        assert pid, f"{name} does not run"
        return psutil.Process(pid)

    def processes(self) -> list[psutil.Process]:
        """Return every process of the stack: those in the status with all their children, supervisor included."""
        roots = [*living(entry["pid"] for entry in self._services()), self.supervisor()]
        return [member for root in roots for member in (root, *descendants(root))]

    def kill(self, name: str) -> None:
        """SIGKILL the process of a service, its children with it, as a crash of the machine's memory would."""
        os.killpg(os.getpgid(self.process(name).pid), signal.SIGKILL)

    def hang(self, name: str) -> list[psutil.Process]:
        """SIGSTOP a service with all its children, wherever they are: they are there, and do nothing."""
        leader = self.process(name)
        # It first: then it starts no other. One of them may end by itself meanwhile.
        leader.suspend()
        children = leader.children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.suspend()
        return [leader, *children]

    def orphans(self) -> list[psutil.Process]:
        """Return the processes that live in this repository's folders and that its supervisor does not know."""
        # At the second look, one that was started during the first is known, as a child of what is known.
        found = self._strangers()
        return [process for process in self._strangers() if process in found]

    def _strangers(self) -> list[psutil.Process]:
        run = self.repo / ".dsscaffold" / "run"
        places = [str(self.repo)]
        if (run / "outside").exists():  # Postgres does not run as root; its data lies where it can get to.
            places.append((run / "outside").read_text().strip())
        known = set(self.processes()) if self.running() else set()
        if (run / "state.json").exists():
            entries = json.loads((run / "state.json").read_text())["processes"]
            known.update(living(entry["pid"] for entry in entries))
        return [found for found in psutil.process_iter() if found not in known and lives_in(found, places)]

    def wait_restarted(self, name: str, before: dict[str, Any]) -> None:
        """Wait until a service has been started again since `before`."""
        wait_for(lambda: self.look()[name]["restarts"] > before[name]["restarts"], f"{name} is started again")

    def wait_unhealthy(self, *names: str) -> None:
        """Wait until `status` has said of each of the services that it is not well; it may be well again by then."""
        left = set(names)

        def noticed() -> bool:
            status = self.look()
            left.difference_update([name for name in left if status[name]["state"] == "unhealthy"])
            return not left

        wait_for(noticed, f"each of {', '.join(names)} is unhealthy")

    def running(self) -> bool:
        return bool(self._services())

    def wait_healthy(self) -> dict[str, Any]:
        def healthy() -> dict[str, Any] | None:
            status = self.look()
            return status if status["exit"] == 0 else None

        return wait_for(healthy, "everything healthy")

    def rows(self, database: str, query: str) -> list[dict[str, Any]]:
        """Run a query as the superuser in one service's database."""

        async def fetch() -> list[dict[str, Any]]:
            port = int(self.look()["postgres"]["url"].rsplit(":", 1)[1])
            connection = await asyncpg.connect(
                host="127.0.0.1", port=port, user="postgres", password="postgres", database=database
            )
            try:
                return [dict(row) for row in await connection.fetch(query)]
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def topic(self, name: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the events of a topic as (event id, type, data); what is no event is left out."""
        return [event for message in self.messages(name) if (event := event_of(message))]

    def messages(self, name: str) -> list[Any]:
        """Return all of a topic as it lies there."""
        return asyncio.run(read_topic(self.look()["kafka"]["url"], name))

    def _services(self) -> list[dict[str, Any]]:
        return [entry for name, entry in self.look().items() if name != "exit" and entry["pid"]]


class Orders:
    """A crowd that places orders, and remembers each one that was accepted with a 202."""

    def __init__(self, stack: Stack, sku: str = "book-1", items: int = 1) -> None:
        self.stack = stack
        self.accepted: list[str] = []
        self._body = {"userId": "u1", "items": [{"sku": sku, "quantity": 1}] * items}

    async def place(self, count: int, users: int = 10, on_accepted: Callable[[int], None] | None = None) -> None:
        """Place `count` orders, `users` at a time. A failed call is tried again with the same Idempotency-Key."""
        left = iter(range(count))
        await self._crowd(users, lambda: next(left, None) is not None, 0, on_accepted)

    async def place_until(self, over: asyncio.Event, least: int, users: int) -> None:
        """Place at least `least` orders, each user about two a second, and go on until `over` is set."""
        await self._crowd(users, lambda: len(self.accepted) < least or not over.is_set(), 0.5, None)

    async def _crowd(
        self, users: int, more: Callable[[], bool], think_s: float, on_accepted: Callable[[int], None] | None
    ) -> None:
        async with httpx.AsyncClient(base_url=self.stack.gateway, timeout=PATIENCE_S, trust_env=False) as client:

            async def user() -> None:
                while more():
                    self.accepted.append(await _place(client, self._body, str(uuid.uuid4())))
                    if on_accepted:
                        on_accepted(len(self.accepted))
                    await asyncio.sleep(think_s)

            await asyncio.gather(*(user() for _ in range(users)))

    async def finished(self) -> list[dict[str, Any]]:
        """Wait until the API says of every accepted order that it is over; return what it says."""
        deadline = time.monotonic() + PATIENCE_S
        done: dict[str, dict[str, Any]] = {}
        async with httpx.AsyncClient(base_url=self.stack.gateway, timeout=PATIENCE_S, trust_env=False) as client:
            while len(done) < len(self.accepted) and time.monotonic() < deadline:
                for order_id in [order_id for order_id in self.accepted if order_id not in done]:
                    answer = (await client.get(f"/api/orders/{order_id}")).json()
                    if answer["status"] in TERMINAL:
                        done[order_id] = answer
                await asyncio.sleep(0.1)
        missing = [order_id for order_id in self.accepted if order_id not in done]
        assert not missing, f"{len(missing)} of {len(self.accepted)} orders never ended: {missing[:3]}"
        return list(done.values())


async def _place(client: httpx.AsyncClient, body: dict[str, Any], key: str) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            answer = await client.post("/api/orders", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code == 202:
            return str(answer.json()["orderId"])
        await asyncio.sleep(0.1)
    raise AssertionError("an order was never accepted")


def check_exactly_once(stack: Stack, orders: Orders) -> None:
    """Read databases and the topic, not the API: every accepted order ended once, and had its effect once."""
    accepted = set(orders.accepted)
    assert len(accepted) == len(orders.accepted), "one order was accepted twice"

    statuses = {
        str(row["order_id"]): row["status"] for row in stack.rows("orders", "SELECT order_id, status FROM orders")
    }
    assert {order_id: statuses.get(order_id) for order_id in accepted} == dict.fromkeys(accepted, "completed")
    # Also those that were stored when nobody could be told any more.
    stored = {str(row["order_id"]) for row in stack.rows("gateway", "SELECT order_id FROM orders")}
    assert stored <= statuses.keys(), "the worker has not heard of an order"

    history = stack.rows("gateway", "SELECT order_id, status FROM order_history")
    counted = Counter((str(row["order_id"]), row["status"]) for row in history if str(row["order_id"]) in accepted)
    steps = ("pending", "processing", "completed")
    assert counted == {(order_id, status): 1 for order_id in accepted for status in steps}

    # A relay may publish an event again, under the same id: it is the ids that must not be more than one.
    events = {(event_id, kind, data["orderId"]) for event_id, kind, data in stack.topic("orders")}
    told = Counter((order_id, kind) for _, kind, order_id in events if order_id in accepted)
    kinds = ("order.created", "order.processing", "order.completed")
    wanted = Counter({(order_id, kind): 1 for order_id in accepted for kind in kinds})
    assert told == wanted, f"too often: {told - wanted}; too seldom: {wanted - told}"
    # What the relay has published it notes a moment later.
    unpublished = "SELECT 1 FROM outbox WHERE published_at IS NULL"
    wait_for(lambda: not stack.rows("gateway", unpublished), "everything is published")
