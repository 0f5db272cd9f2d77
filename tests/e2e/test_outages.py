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

from .fan_out import DEADLINE_S, FanOut
from .slow_upstream import SlowUpstream
from .stack import Orders, Stack, check_exactly_once, dsscaffold, free_port, wait_for

UPSTREAM = "recommendations"
#: The most that one dead upstream may add to the slowest of a hundred answers.
DEAD_UPSTREAM_S = 0.050


def breaker(stack: Stack) -> tuple[str, str]:
    """Return what /health/ready and /metrics say of the upstream's circuit breaker."""
    ready: dict[str, Any] = httpx.get(f"{stack.gateway}/health/ready", trust_env=False).json()
    metrics = httpx.get(f"{stack.gateway}/metrics", trust_env=False).text
    line = next(
        line for line in metrics.splitlines() if line.startswith(f'upstream_breaker_open{{service="{UPSTREAM}"')
    )
    return ready["checks"]["upstreams"][UPSTREAM]["breaker"], line.rsplit(" ", 1)[1]


@pytest.fixture
def upstream(stack: Stack) -> Iterator[SlowUpstream]:
    """A server in the place of the recommendations, which the gateway has been told of."""
    stack.wait_healthy()
    address = stack.status()[UPSTREAM]["url"]
    body = httpx.get(f"{address}/recommendations/u1", trust_env=False).content
    settings = stack.repo / "gateway" / "upstreams.env"
    text = settings.read_text()
    with SlowUpstream(body, delay_s=5).serving() as server:
        settings.write_text(text.replace(f"http://{UPSTREAM}:8000", server.url))
        assert dsscaffold("restart", "gateway", cwd=stack.repo).returncode == 0
        yield server
    settings.write_text(text)
    assert dsscaffold("restart", "gateway", cwd=stack.repo).returncode == 0
    stack.wait_healthy()


def test_a_slow_upstream_costs_the_page_its_part_and_hardly_any_time(stack: Stack, upstream: SlowUpstream) -> None:
    FanOut(stack).times(100)  # Connections and compiled code, as any gateway has them that was not just started.
    assert breaker(stack) == ("closed", "0")

    upstream.slow = True
    opening = FanOut(stack)
    while breaker(stack)[0] == "closed":
        opening.times(1)
        assert len(opening.seconds) <= 5, "the breaker never opens"
    assert max(opening.seconds) < DEADLINE_S + 0.5
    assert opening.degraded == {UPSTREAM: len(opening.seconds)}
    assert breaker(stack)[1] == "1"
    upstream.slow = False
    wait_for(lambda: FanOut(stack).times(1) and breaker(stack) == ("closed", "0"), "the breaker closes", 10)

    # A noisy machine only ever adds to it: one round in three that is quick enough will do.
    extra = [_extra(stack, upstream)]
    while extra[-1] > DEAD_UPSTREAM_S and len(extra) < 3:
        extra.append(_extra(stack, upstream))
    assert extra[-1] <= DEAD_UPSTREAM_S, extra
    back = FanOut(stack).times(10)
    assert (back.statuses, back.degraded) == ({200: 10}, {})


def _extra(stack: Stack, upstream: SlowUpstream) -> float:
    """Return how much longer the slowest answers take while the upstream is dead, in seconds."""
    healthy = FanOut(stack).times(200)
    assert healthy.degraded == {}
    upstream.slow = True
    wait_for(lambda: FanOut(stack).times(1) and breaker(stack)[0] != "closed", "the breaker opens", 10)
    dead = FanOut(stack).times(200)
    upstream.slow = False
    assert dead.degraded == {UPSTREAM: 200}
    wait_for(lambda: FanOut(stack).times(1) and breaker(stack) == ("closed", "0"), "the breaker closes", 10)
    return dead.p99() - healthy.p99()


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
    for _ in range(20):
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
    before = stack.status()
    fill(filler)
    # The first that Kafka cannot write stops it; the gateway does not need it to accept an order.
    asyncio.run(orders.place(30))
    wait_for(lambda: stack.status()["kafka"]["restarts"] > before["kafka"]["restarts"] or None, "Kafka stops", 60)
    began = time.monotonic()
    asyncio.run(orders.place(150))
    assert time.monotonic() - began < 15, "orders waited for the broker"
    assert len(stack.rows("gateway", "SELECT 1 FROM outbox WHERE published_at IS NULL")) >= 150
    filler.unlink()
    stack.wait_healthy()
    asyncio.run(orders.finished())
    check_exactly_once(stack, orders)
