"""What the product promises: orders complete exactly once, whichever process is killed, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from ..patience import PATIENCE_S
from .fan_out import FanOut
from .processes import gone, stopped
from .stack import Orders, Stack, check_exactly_once, dsscaffold, wait_for

#: The part of a user's page that comes from each service.
PARTS = {"profiles": "profile", "orders": "orders", "recommendations": "recommendations"}


@pytest.fixture(autouse=True)
def _healthy(stack: Stack) -> None:
    """Begin every test with everything healthy, whatever the one before left."""
    if not stack.running():
        stack.up()
    stack.wait_healthy()


def test_fifty_concurrent_orders_complete_exactly_once(stack: Stack) -> None:
    orders = Orders(stack)

    async def crowd() -> list[dict[str, Any]]:
        await orders.place(50, users=50)
        return await orders.finished()

    answers = asyncio.run(crowd())
    assert len(orders.accepted) == 50
    for answer in answers:
        assert [entry["status"] for entry in answer["history"]] == ["pending", "processing", "completed"]
    check_exactly_once(stack, orders)


def test_twenty_concurrent_fan_outs_answer_whole(stack: Stack) -> None:
    place_one(stack)

    async def crowd() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=stack.gateway, timeout=PATIENCE_S, trust_env=False) as client:
            return await asyncio.gather(*(client.get("/api/users/u1") for _ in range(20)))

    def whole() -> list[dict[str, Any]] | None:
        answers = asyncio.run(crowd())
        assert {answer.status_code for answer in answers} == {200}
        bodies = [answer.json() for answer in answers]
        return None if any(body["degraded"] for body in bodies) else bodies

    # A busy machine may make a part too late for a page.
    for body in wait_for(whole, "twenty whole pages at once"):
        assert body["profile"]["userId"] == "u1"
        assert body["orders"]
        assert body["recommendations"]


def place_one(stack: Stack) -> None:
    """Have an order that is completed, whatever other tests there were before."""
    orders = Orders(stack)

    async def place() -> None:
        await orders.place(1)
        await orders.finished()

    asyncio.run(place())


@pytest.mark.parametrize(
    ("user", "item", "ship_to"),
    [("no-funds", "book-1", "Rome"), ("u1", "out-of-stock", "Rome"), ("u1", "book-1", "nowhere")],
)
def test_an_order_that_business_refuses_fails_with_a_reason(stack: Stack, user: str, item: str, ship_to: str) -> None:
    body = {"userId": user, "items": [{"sku": item, "quantity": 1}], "shipTo": {"city": ship_to}}
    address = f"{stack.gateway}/api/orders"
    accepted = httpx.post(address, json=body, timeout=PATIENCE_S, trust_env=False).raise_for_status()

    def ended() -> dict[str, Any] | None:
        answer: dict[str, Any] = stack.get(accepted.headers["location"]).json()
        return answer if answer["status"] == "failed" else None

    assert wait_for(ended, "the order fails")["reason"]


async def with_load(stack: Stack, trouble: Callable[[], None]) -> tuple[Orders, FanOut]:
    """Let 20 users place at least 500 orders, and 2 look at pages, for as long as there is trouble."""
    orders, pages, over = Orders(stack), FanOut(stack), asyncio.Event()

    async def cause() -> None:
        try:
            await asyncio.to_thread(trouble)
        finally:
            over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(orders.place_until(over, least=500, users=20))
        group.create_task(pages.until(over))
        group.create_task(cause())
    await orders.finished()
    return orders, pages


def check_aftermath(stack: Stack, orders: Orders, pages: FanOut) -> None:
    """All is well again, nothing is lost or doubled, no process is left, and every page was answered."""
    stack.wait_healthy()
    assert len(orders.accepted) >= 500
    check_exactly_once(stack, orders)
    check_recommendations(stack)
    # An outage is never a message's fault.
    assert stack.messages("orders.dlq") == []
    assert set(pages.statuses) == {200}
    assert stack.orphans() == []


def test_500_orders_while_each_process_in_turn_is_killed(stack: Stack) -> None:
    """SIGKILL, the next one as soon as the one before is well again; orders keep coming meanwhile."""
    victims = ("gateway", "profiles", "orders", "recommendations", "kafka", "postgres")
    before = stack.look()

    def kill_in_turn() -> None:
        for victim in victims:
            stack.kill(victim)
            stack.wait_restarted(victim, before)
            stack.wait_healthy()

    orders, pages = asyncio.run(with_load(stack, kill_in_turn))
    check_aftermath(stack, orders, pages)


def test_500_orders_while_one_process_after_the_other_hangs(stack: Stack) -> None:
    """SIGSTOP: one that says nothing for 10 s is killed and started again, and no other with it."""
    # Those that nothing else waits for hang together: each costs the test 15 s.
    turns = (("gateway",), ("orders", "profiles", "recommendations"), ("kafka",), ("postgres",))

    def hang_in_turn() -> None:
        for victims in turns:
            before = stack.wait_healthy()
            hung = [process for victim in victims for process in stack.hang(victim)]
            stack.wait_unhealthy(*victims)
            for victim in victims:
                stack.wait_restarted(victim, before)
            after = stack.wait_healthy()
            changed = {name for name in before if name != "exit" and after[name]["pid"] != before[name]["pid"]}
            assert changed == set(victims)
            assert [process for process in hung if not gone(process)] == []

    orders, pages = asyncio.run(with_load(stack, hang_in_turn))
    check_aftermath(stack, orders, pages)
    # Pages did not wait for those that hung: each was missing in some.
    assert set(pages.degraded) == set(PARTS.values())


def check_recommendations(stack: Stack) -> None:
    """An event that took effect twice would show in the sum."""
    completed = {data["orderId"] for _, kind, data in stack.topic("orders") if kind == "order.completed"}

    def counted() -> bool:
        rows = stack.rows(
            "recommendations", "SELECT coalesce(sum(quantity), 0)::int AS sum FROM purchases WHERE user_id = 'u1'"
        )
        return bool(rows[0]["sum"] == len(completed))

    assert wait_for(counted, f"{len(completed)} purchases are counted")


@pytest.mark.parametrize("service", PARTS)
def test_an_upstream_that_hangs_degrades_the_answer_and_no_more(stack: Stack, service: str) -> None:
    def page() -> dict[str, Any]:
        body: dict[str, Any] = stack.get("/api/users/u1").json()
        return body

    # The breakers close at the first pages after the trouble that other tests made.
    wait_for(lambda: page()["degraded"] == [], "a page is whole")
    process = stack.process(service)
    process.suspend()
    try:
        # Answered without it: nothing wakes it up before that.
        body = wait_for(lambda: _only_without(page(), PARTS[service]), f"a page without {service}")
        wait_for(lambda: gone(process) or stopped(process), f"{service} hangs still, or was ended for it")
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
    assert not body[PARTS[service]]
    if service != "profiles":
        assert body["profile"]["userId"] == "u1"


def _only_without(body: dict[str, Any], part: str) -> dict[str, Any] | None:
    """Return a page that lacks one part and no other, as one may that was late on a busy machine."""
    return body if body["degraded"] == [part] else None


def test_down_and_up_again_keeps_the_data(stack: Stack) -> None:
    place_one(stack)
    before = stack.rows("orders", "SELECT order_id, status FROM orders ORDER BY order_id")
    processes = stack.processes()
    stack.down()
    assert [process for process in processes if not gone(process)] == []
    assert {entry["state"] for name, entry in stack.status().items() if name != "exit"} == {"stopped"}
    stack.up()
    assert stack.rows("orders", "SELECT order_id, status FROM orders ORDER BY order_id") == before


def test_sigkill_of_the_supervisor_leaves_no_process(stack: Stack) -> None:
    processes = stack.processes()
    stack.supervisor().kill()
    wait_for(lambda: all(gone(process) for process in processes), "every process is gone")
    # Its lock goes with the last of its threads, which may be busy with the disk.
    wait_for(lambda: stack.status()["exit"] == 1, "nothing runs")
    stack.up()
    orders = Orders(stack)

    async def crowd() -> None:
        await orders.place(10)
        await orders.finished()

    asyncio.run(crowd())
    check_exactly_once(stack, orders)


def test_down_volumes_forgets_everything(stack: Stack) -> None:
    stack.down("--volumes")
    assert not (stack.repo / ".dsscaffold" / "run" / "data").exists()
    stack.up()
    assert stack.rows("orders", "SELECT 1 FROM orders") == []


def test_a_second_up_says_who_runs_already(stack: Stack) -> None:
    result = dsscaffold("up", "--detach", cwd=stack.repo)
    assert "Traceback" not in result.stderr
    assert "runs this repository already" in (result.stdout + result.stderr)
    stack.wait_healthy()


def test_outside_a_repository_there_is_a_hint(tmp_path: Path) -> None:
    for verb in ("up", "down", "status", "logs"):
        result = dsscaffold(verb, cwd=tmp_path)
        assert result.returncode in {1, 2}
        assert "dsscaffold new" in result.stderr
        assert "Traceback" not in result.stderr
