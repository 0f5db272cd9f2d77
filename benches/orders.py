"""Orders through the default preset: how many a second, how fast, what each costs, and that none is lost or doubled.

    python benches/orders.py [--port 3998] [--count 2000] [--only flow|backlog]

The load generator shares the cores with the system. Read the CPU time an order first: it hardly depends on what else
the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stack import Stack, cpu_seconds, drive, megabytes, running, wait_for

ORDER = json.dumps({"userId": "u1", "items": [{"sku": "book-1", "quantity": 1}], "shipTo": {"city": "Lisbon"}})
IDLE_SECONDS = 10
BACKLOG = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3998)
    parser.add_argument("--count", type=int, default=2_000, help="orders a run")
    parser.add_argument("--rate", type=int, default=200, help="orders a second of the paced runs")
    parser.add_argument("--only", choices=["flow", "backlog"])
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="dsscaffold-bench-") as folder,
        running(Path(folder), arguments.port) as stack,
    ):
        print(f"{os.cpu_count()} cores, shared with the load generator")
        _flow(stack, 1_000, users=10)  # so that everything is warm
        if arguments.only != "backlog":
            _all_flows(stack, arguments.count, arguments.rate)
        if arguments.only != "flow":
            _backlog(stack)


def _all_flows(stack: Stack, count: int, rate: int) -> None:
    _idle(stack)
    _report("1 user, one order after the other", _flow(stack, count // 4, users=1))
    _report("20 users, as fast as they are answered", _flow(stack, count, users=20))
    _report("100 users, as fast as they are answered", _flow(stack, count, users=100))
    _report(f"100 users, {rate} orders/s together", _flow(stack, count, users=100, rate=rate))
    print("memory, MB:", _each(megabytes(stack.processes()), ".0f"))


def _idle(stack: Stack) -> None:
    processes = stack.processes()
    before = cpu_seconds(processes)
    time.sleep(IDLE_SECONDS)
    share = {name: (after - before[name]) / IDLE_SECONDS * 100 for name, after in cpu_seconds(processes).items()}
    print("idle, % of a core:", _each(share, ".1f"))


def _flow(stack: Stack, count: int, **load: Any) -> dict[str, Any]:
    """Place orders, wait until all have ended, and check them."""
    sold = _sold(stack)
    processes = stack.processes()
    before, began = cpu_seconds(processes), datetime.now(UTC).timestamp()
    seen = drive(stack.gateway, "/api/orders", body=ORDER, count=count, **load)
    assert seen["statuses"] == {"202": count}, seen["statuses"]
    wait_for(lambda: _open_orders(stack) == 0, "the end of all orders")
    wait_for(lambda: _sold(stack) - sold >= count, "the last recommendation")
    cpu = {name: (after - before[name]) * 1000 / count for name, after in cpu_seconds(processes).items()}

    accepted: dict[str, float] = dict(seen["answers"])
    completed = _completed(stack, list(accepted))
    _check(stack, accepted, completed, _sold(stack) - sold)
    lasted = sorted(completed[order_id] - at for order_id, at in accepted.items())
    return {
        "accepted": count / seen["seconds"],
        "completed": count / (max(completed.values()) / 1000 - began),
        "answer": (seen["p50"], seen["p99"]),
        "lasted": (lasted[len(lasted) // 2], lasted[int(len(lasted) * 0.99)]),
        "cpu": cpu,
        "generator": seen["cpu"],
    }


def _completed(stack: Stack, order_ids: Sequence[str]) -> dict[str, float]:
    """Return when the gateway committed the end of each order, in ms since 1970."""
    query = """
        SELECT order_id::text, extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000 AS at
        FROM orders WHERE status = 'completed' AND order_id = ANY($1::uuid[])
    """
    return {row["order_id"]: float(row["at"]) for row in stack.rows("gateway", query, order_ids)}


def _check(stack: Stack, accepted: dict[str, float], completed: dict[str, float], sold: int) -> None:
    """Compare what was accepted with what each service has in its database."""
    assert len(accepted) == sold == len(completed), f"{len(accepted)} accepted, {len(completed)} completed, {sold} sold"
    worked = stack.rows("orders", "SELECT status FROM orders WHERE order_id = ANY($1::uuid[])", list(accepted))
    assert [row["status"] for row in worked] == ["completed"] * len(accepted)
    steps = stack.rows("gateway", "SELECT FROM order_history WHERE order_id = ANY($1::uuid[])", list(accepted))
    assert len(steps) == 3 * len(accepted)


def _open_orders(stack: Stack) -> int:
    [row] = stack.rows("gateway", "SELECT count(*) FROM orders WHERE status IN ('pending', 'processing')")
    return int(row["count"])


def _sold(stack: Stack) -> int:
    [row] = stack.rows("recommendations", "SELECT coalesce(sum(quantity), 0)::bigint AS sold FROM purchases")
    return int(row["sold"])


def _backlog(stack: Stack) -> None:
    """Stop the worker, place orders, start it, and see how fast it works through them."""
    stack.run("down", "orders")
    drive(stack.gateway, "/api/orders", body=ORDER, count=BACKLOG, users=20)
    wait_for(lambda: not stack.rows("gateway", "SELECT FROM outbox WHERE published_at IS NULL LIMIT 1"), "the backlog")
    stack.run("up", "orders", "--detach")
    wait_for(lambda: _open_orders(stack) == 0, "the end of the backlog", timeout_s=300)
    [row] = stack.rows(
        "orders",
        """
        SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)) - min(created_at)) AS seconds
        FROM (SELECT xmin, created_at FROM orders ORDER BY created_at DESC LIMIT $1)
        """,
        BACKLOG,
    )
    # Each order is two messages to the worker: order.created, and order.processing, its own.
    rate = 2 * BACKLOG / float(row["seconds"])
    print(f"backlog of {BACKLOG} orders: {rate:.0f} messages/s, {rate / 2:.0f} orders/s")


def _report(what: str, run: dict[str, Any]) -> None:
    total = sum(run["cpu"].values())
    print(f"{what}")
    print(f"  {run['accepted']:.0f} orders/s accepted, {run['completed']:.0f} orders/s completed")
    print("  202 after p50 {:.0f} ms, p99 {:.0f} ms".format(*run["answer"]))
    print("  completed after p50 {:.0f} ms, p99 {:.0f} ms more".format(*run["lasted"]))
    print(f"  CPU {total:.2f} ms an order: {_each(run['cpu'], '.2f')}; load generator {run['generator']:.2f}")


def _each(numbers: dict[str, float], spec: str) -> str:
    ordered = sorted(numbers.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {number:{spec}}" for name, number in ordered)


if __name__ == "__main__":
    main()
