"""What the system stands on is slow, or full: an upstream, the database's connections, the broker's disk."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from ..patience import PATIENCE_S
from ..ports import free_port
from .fan_out import FanOut
from .slow_upstream import SlowUpstream
from .stack import Orders, Stack, check_exactly_once, dsscaffold, wait_for

UPSTREAM = "recommendations"
#: The breaker leaves it alone for so long before it tries again.
OPEN_S = 1.0


def breaker(stack: Stack) -> tuple[str, str]:
    """Return what /health/ready and /metrics say of the upstream's circuit breaker."""
    ready: dict[str, Any] = stack.get("/health/ready").json()
    metrics = stack.get("/metrics").text
    line = next(
        line for line in metrics.splitlines() if line.startswith(f'upstream_breaker_open{{service="{UPSTREAM}"')
    )
    return ready["checks"]["upstreams"][UPSTREAM]["breaker"], line.rsplit(" ", 1)[1]


@pytest.fixture
def upstream(stack: Stack) -> Iterator[SlowUpstream]:
    """A server in the place of the recommendations, which the gateway has been told of."""
    stack.wait_healthy()
    address = stack.status()[UPSTREAM]["url"]
    body = httpx.get(f"{address}/recommendations/u1", timeout=PATIENCE_S, trust_env=False).content
    settings = stack.repo / "gateway" / "upstreams.env"
    text = settings.read_text()
    with SlowUpstream(body).serving() as server:
        settings.write_text(text.replace(f"http://{UPSTREAM}:8000", server.url))
        assert dsscaffold("restart", "gateway", cwd=stack.repo).returncode == 0
        yield server
    settings.write_text(text)
    assert dsscaffold("restart", "gateway", cwd=stack.repo).returncode == 0
    stack.wait_healthy()


def test_an_upstream_that_never_answers_costs_the_page_its_part_and_is_left_alone(
    stack: Stack, upstream: SlowUpstream
) -> None:
    """How much time it costs is measured in benches/fan_out.py."""
    wait_for(lambda: not FanOut(stack).times(1).degraded, "a page is whole")
    assert breaker(stack) == ("closed", "0")

    upstream.hang()
    opening = FanOut(stack)
    while breaker(stack)[0] == "closed":
        opening.times(1)
        assert opening.statuses.total() <= 5, "the breaker never opens"
    # It has not answered anything: no page has waited for it.
    assert set(opening.statuses) == {200}
    assert opening.degraded[UPSTREAM] == opening.statuses.total()
    assert breaker(stack)[1] == "1"

    asked, began = upstream.asked, time.monotonic()
    dead = FanOut(stack).times(200)
    assert (dead.statuses, dead.degraded[UPSTREAM]) == ({200: 200}, 200)
    # No page asks it, only the breaker once in a while.
    assert upstream.asked - asked <= 1 + (time.monotonic() - began) / OPEN_S

    upstream.answer()
    wait_for(lambda: FanOut(stack).times(1) and breaker(stack) == ("closed", "0"), "the breaker closes")
    wait_for(lambda: not FanOut(stack).times(10).degraded, "pages are whole again")


def test_no_order_is_lost_while_postgres_has_no_connection_left(stack: Stack) -> None:
    before = stack.wait_healthy()
    orders = Orders(stack)

    async def crowd() -> None:
        over = asyncio.Event()
        placing = asyncio.create_task(orders.place_until(over, least=50, users=5))
        try:
            held = await _take_all_connections(stack)
            began = len(orders.accepted)
            # Somebody has to notice, and everybody has to bear it for a while.
            await asyncio.to_thread(stack.wait_unhealthy, "gateway")
            await asyncio.sleep(5)
            assert len(orders.accepted) <= began + 5, "orders were accepted without a database"
            await asyncio.gather(*(connection.close() for connection in held))
        finally:
            over.set()
        await placing
        await orders.finished()

    asyncio.run(crowd())
    after = stack.wait_healthy()
    # Nobody was restarted for it: each came back by itself.
    assert {name for name in before if name != "exit" and before[name]["pid"] != after[name]["pid"]} == set()
    check_exactly_once(stack, orders)
    assert stack.orphans() == []


async def _take_all_connections(stack: Stack) -> list[asyncpg.Connection[asyncpg.Record]]:
    """Open connections until there are too many, and take those of the services too."""
    port = int(stack.status()["postgres"]["url"].rsplit(":", 1)[1])
    held: list[asyncpg.Connection[asyncpg.Record]] = []
    mine = "dsscaffold-hog"

    async def take() -> None:
        while True:
            try:
                connection = await asyncpg.connect(
                    host="127.0.0.1",
                    port=port,
                    user="postgres",
                    password="postgres",
                    server_settings={"application_name": mine},
                )
            except asyncpg.TooManyConnectionsError:
                return
            held.append(connection)

    await take()
    theirs = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    for _ in range(1000):
        ended = await held[0].fetch(f"{theirs} AND application_name <> $1", mine)
        await take()
        if not ended:
            return held
    raise AssertionError("the services keep finding connections")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a file system of that size."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"This test fills a disk of its own, so it has to be run by root, who may mount one: {done.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until there is no room left."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            return


def test_orders_are_accepted_while_the_brokers_disk_is_full_and_go_on_afterwards(tmp_path: Path) -> None:
    made = dsscaffold("new", "full", "--yes", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    stack = Stack(tmp_path / "full", free_port())
    disk = stack.repo / ".dsscaffold" / "run" / "data" / "kafka"
    try:
        with small_disk(disk, 64):
            try:
                stack.up()
                _fill_and_free(stack, disk / "filler")
            finally:
                dsscaffold("down", cwd=stack.repo)
    finally:
        dsscaffold("down", "--volumes", cwd=stack.repo)
    assert stack.orphans() == []


def _fill_and_free(stack: Stack, filler: Path) -> None:
    # As large as an order can be: what has come together meanwhile is more than Kafka takes at once.
    orders = Orders(stack, sku="\N{OPEN BOOK}" * 64, items=100)
    before = stack.look()
    fill(filler)
    # The first that Kafka cannot write stops it; the gateway does not need it to accept an order.
    asyncio.run(orders.place(30))
    stack.wait_restarted("kafka", before)
    # The disk is full all the while: whoever waited for the broker would wait for ever.
    asyncio.run(orders.place(150))
    assert len(stack.rows("gateway", "SELECT 1 FROM outbox WHERE published_at IS NULL")) >= 150
    filler.unlink()
    stack.wait_healthy()
    asyncio.run(orders.finished())
    check_exactly_once(stack, orders)
