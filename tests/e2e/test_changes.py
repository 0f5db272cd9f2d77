"""Single services of a running stack, added and restarted; the others do not notice."""

from __future__ import annotations

import asyncio
from typing import Any

from .stack import Orders, Stack, check_exactly_once, dsscaffold


def pids(status: dict[str, Any]) -> dict[str, int]:
    return {name: entry["pid"] for name, entry in status.items() if name != "exit"}


def test_restart_of_one_leaves_the_others_alone(stack: Stack) -> None:
    before = pids(stack.wait_healthy())
    result = dsscaffold("restart", "orders", cwd=stack.repo)
    assert result.returncode == 0, result.stdout + result.stderr
    after = pids(stack.wait_healthy())
    assert {name for name, pid in after.items() if pid != before[name]} == {"orders"}


def test_a_restart_under_load_loses_nothing(stack: Stack) -> None:
    """Whoever is told to stop ends what is in hand; a client tries again with its Idempotency-Key."""
    stack.wait_healthy()
    orders = Orders(stack)

    async def crowd() -> None:
        over = asyncio.Event()
        placing = asyncio.create_task(orders.place_until(over, least=50, users=10))
        try:
            for names in (("gateway",), ("orders",), ("gateway", "orders", "recommendations")):
                result = await asyncio.to_thread(dsscaffold, "restart", *names, cwd=stack.repo)
                assert result.returncode == 0, result.stdout + result.stderr
        finally:
            over.set()
        await placing
        await orders.finished()

    asyncio.run(crowd())
    check_exactly_once(stack, orders)
    assert stack.messages("orders.dlq") == []
    assert stack.orphans() == []


def test_a_service_that_was_added_to_the_compose_file_comes_in(stack: Stack) -> None:
    before = pids(stack.wait_healthy())
    source = stack.repo / "services" / "profiles"
    # Another entry of the same code, with its own name and the same database.
    text = (source / "compose.yaml").read_text().replace("  profiles:\n", "  people:\n")
    (source / "people.yaml").write_text(text)
    compose = stack.repo / "compose.yaml"
    compose.write_text(compose.read_text().rstrip() + "\n  - services/profiles/people.yaml\n")
    result = dsscaffold("up", "people", cwd=stack.repo)
    assert result.returncode == 0, result.stdout + result.stderr
    status = stack.wait_healthy()
    assert status["people"]["state"] == "healthy"
    assert {name: pid for name, pid in pids(status).items() if name != "people"} == before
