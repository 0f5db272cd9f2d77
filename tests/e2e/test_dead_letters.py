"""Messages that cannot be handled: they go aside with the reason, block nothing, and `replay` puts them back."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import aiokafka
import httpx
import pytest

from dsscaffold.runtime.one_off import call_in

from ..patience import PATIENCE_S
from .stack import Orders, Stack, check_exactly_once, dsscaffold, wait_for

TOPIC = "orders"
#: What Kafka takes by default, with all that belongs to a batch of one message.
LARGEST = 1_048_588


@contextmanager
def broken(stack: Stack, database: str, table: str) -> Iterator[None]:
    """Take a table away, as a bad migration would: no handler can work, and no retry helps."""
    stack.rows(database, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        stack.rows(database, f"ALTER TABLE {table}_away RENAME TO {table}")


def send(stack: Stack, key: bytes | None, value: bytes | None, headers: dict[str, str]) -> None:
    """Publish anything."""

    async def publish() -> None:
        address = stack.status()["kafka"]["url"]
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=address, max_request_size=2 * LARGEST) as producer:
            pairs = [(name, text.encode()) for name, text in headers.items()]
            await producer.send_and_wait(TOPIC, value, key=key, headers=pairs)

    asyncio.run(publish())


def event(kind: str) -> dict[str, str]:
    """Return the headers of an event as any producer might send it."""
    return {
        "ce_specversion": "1.0",
        "ce_id": str(uuid.uuid4()),
        "ce_type": kind,
        "ce_source": "/elsewhere",
        "ce_time": datetime.now(UTC).isoformat(),
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def letters(stack: Stack) -> list[dict[str, str]]:
    """Return the headers of all dead letters."""
    found = [dict(message.headers) for message in stack.messages(f"{TOPIC}.dlq")]
    return [{name: value.decode() for name, value in headers.items()} for headers in found]


def replay(stack: Stack, *options: str) -> dict[str, Any]:
    result = dsscaffold("replay", TOPIC, "--json", *options, cwd=stack.repo)
    assert result.returncode == 0, result.stdout + result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def outcomes(document: dict[str, Any]) -> Counter[str]:
    return Counter(letter["outcome"] for letter in document["letters"])


def place(orders: Orders, count: int) -> None:
    asyncio.run(orders.place(count))


def finish(orders: Orders) -> None:
    asyncio.run(orders.finished())


def test_nothing_waits_at_first(stack: Stack) -> None:
    for result in (dsscaffold("replay", TOPIC, cwd=stack.repo), stack.make("replay", f"TOPIC={TOPIC}")):
        assert (result.returncode, result.stdout) == (0, f"No dead letter of {TOPIC} waits.\n")


def test_a_topic_that_does_not_exist_is_told_with_the_nearest(stack: Stack) -> None:
    result = dsscaffold("replay", "order", cwd=stack.repo)
    assert result.returncode == 2
    assert "Did you mean 'orders'?" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_a_passing_cause_put_aside_is_handled_once_after_the_replay(stack: Stack) -> None:
    """Of some orders the recommendations cannot take the end, which the gateway can; of others nobody the beginning."""
    ended, begun = Orders(stack), Orders(stack)
    with broken(stack, "recommendations", "purchases"):
        place(ended, 5)
        finish(ended)
        wait_for(lambda: len(letters(stack)) == 5, "the recommendations give five up")
    with broken(stack, "orders", "orders"):
        place(begun, 5)
        wait_for(lambda: len(letters(stack)) == 10, "the worker gives five up")
    assert Counter((letter["dlq-group"], letter["ce_type"]) for letter in letters(stack)) == {
        ("recommendations", "order.completed"): 5,
        ("orders", "order.created"): 5,
    }
    assert outcomes(replay(stack, "--dry-run")) == {"put back": 10}

    result = dsscaffold("replay", TOPIC, cwd=stack.repo)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"10 messages put back on {TOPIC}.\n")
    assert "order.created" in result.stdout
    finish(begun)
    for orders in (ended, begun):
        check_exactly_once(stack, orders)
    query = "SELECT coalesce(sum(quantity), 0)::int AS sum FROM purchases WHERE user_id = 'u1'"
    wait_for(lambda: stack.rows("recommendations", query)[0]["sum"] == 10, "every purchase is counted once")

    end = len(stack.messages(TOPIC))
    assert replay(stack)["letters"] == []
    assert len(stack.messages(TOPIC)) == end


def test_a_team_without_dsscaffold_has_the_same_tool(stack: Stack) -> None:
    answer = call_in(stack.repo, "recommendations", ("python", "-m", "app.replay", TOPIC))
    assert (answer.code, answer.stdout) == (0, f"No dead letter of {TOPIC} waits.\n")
    answer = call_in(stack.repo, "recommendations", ("python", "-m", "app.replay", "ordes"))
    assert answer.code == 2
    assert "only of orders" in answer.stderr


#: What is in a message (None: nothing), with which headers, and which groups refuse it.
Poison = dict[bytes, tuple[bytes | None, dict[str, str], set[str]]]


@pytest.fixture(scope="module")
def poison(stack: Stack) -> Poison:
    """Messages by their keys, which nobody can handle; they are sent, and may not have been refused yet."""
    body = json.dumps({"orderId": str(uuid.uuid4()), "userId": "u1", "items": "none"}).encode()
    everyone = {"gateway", "orders", "recommendations"}
    messages: Poison = {
        b"not JSON": (b"{", event("order.created"), {"orders"}),
        b"wrong data": (body, event("order.created"), {"orders"}),
        b"no event": (b"{}", {"x": "y"}, everyone),
        b"tombstone": (None, {"x": "y"}, everyone),
        # As large as a message can be; with notes on it, it is larger.
        b"large": (b"x" * (LARGEST - 350), event("order.completed"), {"gateway", "recommendations"}),
    }
    for key, (value, headers, _) in messages.items():
        send(stack, key, value, headers)
    return messages


def refused(stack: Stack, poison: Poison, times: int) -> list[Any]:
    """Return the dead letters of the poison, once each group that it concerns has refused it so many times."""
    count = times * sum(len(groups) for _, _, groups in poison.values())

    def found() -> list[Any] | None:
        there = [message for message in stack.messages(f"{TOPIC}.dlq") if message.key in poison]
        return there if len(there) >= count else None

    return wait_for(found, f"{count} dead letters")


def test_poison_goes_aside_and_the_partition_goes_on(stack: Stack, poison: Poison) -> None:
    """Those that it concerns refuse it, the orders behind it complete, and the letter is what was sent."""
    orders = Orders(stack)
    place(orders, 20)
    finish(orders)
    check_exactly_once(stack, orders)

    found = refused(stack, poison, 1)
    expected = {(key, group) for key, (_, _, groups) in poison.items() for group in groups}
    assert {(message.key, dict(message.headers)["dlq-group"].decode()) for message in found} == expected
    for message in found:
        value, sent, _ = poison[message.key]
        headers = {name: text.decode() for name, text in message.headers}
        assert (message.value or b"") == (value or b"")
        assert sent.items() <= headers.items()
        assert headers["dlq-topic"] == TOPIC
        assert headers["dlq-reason"]


def test_poison_that_is_put_back_is_refused_again(stack: Stack, poison: Poison) -> None:
    """What three groups refused is put back once, and refused by all three again; it says how often it was."""
    refused(stack, poison, 1)
    assert outcomes(replay(stack)) == {"put back": 5, "copy": 5}
    assert len(refused(stack, poison, 2)) == 20
    # The large one has no room for the note.
    assert Counter(letter.get("dlq-replays") for letter in letters(stack) if "dlq-replays" in letter) == {"1": 8}
    orders = Orders(stack)
    place(orders, 5)
    finish(orders)
    check_exactly_once(stack, orders)
    assert stack.orphans() == []


def test_an_event_that_the_broker_never_takes_is_set_aside_and_those_behind_it_go_on(stack: Stack) -> None:
    """The worker makes of an order of just under 1 MiB an event that is just over it."""
    order_id = str(uuid.uuid4())
    items = [{"sku": "x" * ((LARGEST - 2_950) // 100), "quantity": 1}] * 100
    # Postgres will put a space behind each comma and colon.
    body = json.dumps({"orderId": order_id, "userId": "u9", "items": items}, separators=(",", ":"))
    send(stack, order_id.encode(), body.encode(), event("order.created"))
    orders = Orders(stack)
    place(orders, 20)
    finish(orders)
    check_exactly_once(stack, orders)

    # Those behind it go out before the relay has noted what became of it.
    query = "SELECT key, refusal FROM outbox WHERE refusal IS NOT NULL"
    [set_aside] = wait_for(lambda: stack.rows("orders", query), "the event is set aside")
    assert set_aside["key"] == order_id
    assert "MessageSizeTooLarge" in set_aside["refusal"]
    address = stack.status()["orders"]["url"]

    def readiness() -> dict[str, Any] | None:
        answer = httpx.get(f"{address}/health/ready", timeout=PATIENCE_S, trust_env=False)
        return answer.json() if answer.status_code == 200 else None

    assert wait_for(readiness, "the worker is ready")["checks"]["outbox"] == {"status": "ok", "refused": 1}


PRUNE = {
    "orders": (
        "python",
        "-c",
        """
import asyncio, os
from app.adapters.database import Database
from app.adapters.pruning import Pruner
async def prune():
    async with Database(os.environ["DATABASE_URL"]) as database:
        await Pruner(database).prune()
asyncio.run(prune())
""",
    ),
    "gateway": (
        "node",
        "--input-type=module",
        "-e",
        """
import { pino } from "pino";
const { Database } = await import(`${process.cwd()}/src/database/database.ts`);
const { pruneInbox } = await import(`${process.cwd()}/src/messaging/pruning.ts`);
const log = pino();
const database = new Database(process.env.DATABASE_URL, log);
let waits = 0;
const done = new Promise((resolve) => {
  pruneInbox(database.query, log, () => (waits++ ? new Promise(resolve) : Promise.resolve()));
});
await done;
process.exit();
""",
    ),
}


@pytest.mark.parametrize("service", PRUNE)
def test_the_inbox_forgets_what_cannot_come_again_and_nothing_else(stack: Stack, service: str) -> None:
    stack.rows(
        service,
        "INSERT INTO inbox (consumer, event_id, received_at) VALUES"
        f" ('{service}', 'old', now() - interval '31 days'), ('{service}', 'young', now() - interval '29 days')",
    )
    before = {row["event_id"] for row in stack.rows(service, "SELECT event_id FROM inbox")}
    answer = call_in(stack.repo, service, PRUNE[service])
    assert answer.code == 0, answer.stderr
    after = {row["event_id"] for row in stack.rows(service, "SELECT event_id FROM inbox")}
    assert before - after == {"old"}
    assert len(after) > 1


def test_where_nothing_runs_there_is_a_hint(stack: Stack) -> None:
    stack.down()
    result = dsscaffold("replay", TOPIC, cwd=stack.repo)
    assert result.returncode == 1
    assert "dsscaffold up" in result.stderr
    assert stack.orphans() == []
