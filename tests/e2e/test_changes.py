"""Single services of a running stack: added, restarted, stopped, hung; the others do not notice."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from .stack import Orders, Stack, check_exactly_once, dsscaffold, wait_for


def pids(status: dict[str, Any]) -> dict[str, int]:
    return {name: entry["pid"] for name, entry in status.items() if name != "exit"}


def test_restart_of_one_leaves_the_others_alone(stack: Stack) -> None:
    before = pids(stack.wait_healthy())
    result = dsscaffold("restart", "orders", cwd=stack.repo)
    assert result.returncode == 0, result.stdout + result.stderr
    after = pids(stack.wait_healthy())
    assert {name for name, pid in after.items() if pid != before[name]} == {"orders"}


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


@pytest.mark.parametrize("victim", ["kafka", "postgres", "orders", "gateway"])
def test_a_process_that_hangs_is_started_again_and_no_other(stack: Stack, victim: str) -> None:
    """Stop it in the middle of orders, and never let it go on."""
    before = stack.wait_healthy()
    orders = Orders(stack)
    stopped: list[bool] = []

    def stop_once(accepted: int) -> None:
        if accepted >= 10 and not stopped:
            stopped.append(True)
            os.kill(before[victim]["pid"], signal.SIGSTOP)

    async def crowd() -> None:
        await orders.place(40, users=4, on_accepted=stop_once)
        await orders.finished()

    asyncio.run(crowd())
    after = wait_for(
        lambda: status if (status := stack.wait_healthy())[victim]["restarts"] > before[victim]["restarts"] else None,
        f"{victim} is started again",
    )
    changed = {name for name in pids(after) if after[name]["restarts"] > before[name]["restarts"]}
    assert changed == {victim}
    check_exactly_once(stack, orders)
