"""What the rendered code does on a real Postgres: how much a relay reads, when locks are freed, what is an outage."""

from __future__ import annotations

import json

import pytest

from dsscaffold.runtime.one_off import call_in

from .stack import Stack, wait_for

#: More than one event may be larger than it; it is what stands in the templates.
MAX_BYTES = 4_000_000
INSERT = """
INSERT INTO outbox (id, topic, key, type, data)
SELECT gen_random_uuid(), 'notes', 'key', 'note', jsonb_build_object('text', repeat('x', SIZE))
FROM generate_series(1, COUNT)
"""

#: Nothing is committed, so the relay that runs beside it has nothing to publish.
READ = {
    "orders": (
        "python",
        "-c",
        """
import asyncio, json, os, sys
from app.adapters.database import Database
from app.adapters.outbox import OutboxTable
async def main():
    async with Database(os.environ["DATABASE_URL"]) as database, database.own_connection() as session:
        await session.execute("BEGIN")
        await session.execute(sys.argv[1])
        batch = await OutboxTable(session, "/orders").unpublished()
        sizes = [len(message.value) for message in batch.events.values()]
        print(json.dumps({"sizes": sizes, "full": batch.full}))
asyncio.run(main())
""",
    ),
    "gateway": (
        "node",
        "--input-type=module",
        "-e",
        """
import { pino } from "pino";
const { Database } = await import(`${process.cwd()}/src/database/database.ts`);
const { readUnpublished } = await import(`${process.cwd()}/src/messaging/outbox.ts`);
const { query, close } = await new Database(process.env.DATABASE_URL, pino()).connect();
await query("BEGIN");
await query(process.argv[1]);
const { messages, full } = await readUnpublished(query);
console.log(JSON.stringify({ sizes: messages.map(({ value }) => value.length), full }));
await close();
""",
    ),
}

SETTINGS = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
SHOW = {
    "orders": (
        "python",
        "-c",
        """
import asyncio, json, os, sys
from app.adapters.database import Database
async def main():
    async with Database(os.environ["DATABASE_URL"]) as database, database.own_connection() as own:
        sessions = (own, database)
        print(json.dumps([[await s.fetchval(f"SHOW {name}") for name in sys.argv[1:]] for s in sessions]))
asyncio.run(main())
""",
    ),
    "gateway": (
        "node",
        "--input-type=module",
        "-e",
        """
import { pino } from "pino";
const { Database } = await import(`${process.cwd()}/src/database/database.ts`);
const database = new Database(process.env.DATABASE_URL, pino());
const own = await database.connect();
const shown = [];
for (const { query } of [own, database]) {
  const values = [];
  for (const name of process.argv.slice(1)) values.push(Object.values((await query(`SHOW ${name}`))[0])[0]);
  shown.push(values);
}
console.log(JSON.stringify(shown));
await own.close();
await database.close();
""",
    ),
}

WRONG_VALUE = """
import { pino } from "pino";
const { Database } = await import(`${process.cwd()}/src/database/database.ts`);
const database = new Database(process.env.DATABASE_URL, pino());
await database.query("SELECT $1::jsonb", [{ amount: 1n }]).catch((error) => console.log(error.name));
await database.close();
"""


@pytest.mark.parametrize("service", READ)
@pytest.mark.parametrize(
    ("size", "count", "read", "full"),
    [(900_000, 40, 5, True), (2 * MAX_BYTES, 3, 1, True), (10, 600, 500, True), (10, 3, 3, False)],
    ids=["large", "larger than the limit", "many", "few"],
)
def test_the_relay_reads_no_more_than_fits_into_memory(
    stack: Stack, service: str, size: int, count: int, read: int, full: bool
) -> None:
    statement = INSERT.replace("SIZE", str(size)).replace("COUNT", str(count))
    answer = call_in(stack.repo, service, (*READ[service], statement))
    assert answer.code == 0, answer.stderr
    batch = json.loads(answer.stdout)
    assert (len(batch["sizes"]), batch["full"]) == (read, full)
    assert sum(batch["sizes"][:-1]) < MAX_BYTES


@pytest.mark.parametrize("service", SHOW)
def test_the_server_gives_up_a_host_that_is_gone_within_half_a_minute(stack: Stack, service: str) -> None:
    """Of the relay's own connection, which holds its lock, and of those whose transactions hold locks on rows.

    The server reads these from the socket, so they are what the system does.
    """
    answer = call_in(stack.repo, service, (*SHOW[service], *SETTINGS))
    assert answer.code == 0, answer.stderr
    for shown in json.loads(answer.stdout):
        idle, interval, count = map(int, shown[:3])
        assert idle + interval * count <= 30
        # Of what was sent before, and of a keepalive: macOS has only the latter.
        assert shown[3] in {"25000", "0"}


def test_a_value_that_cannot_be_sent_is_a_mistake_and_no_outage(stack: Stack) -> None:
    """As an outage it would be tried for ever, and hold up the messages behind it."""
    answer = call_in(stack.repo, "gateway", ("node", "--input-type=module", "-e", WRONG_VALUE))
    assert (answer.code, answer.stdout) == (0, "TypeError\n"), answer.stderr


def test_events_of_any_size_go_out_in_order(stack: Stack) -> None:
    """More than is read at once."""
    before = len(stack.messages("orders"))
    key = "3b241101-e2bb-4255-8caf-4136c566a962"
    stack.rows(
        "gateway",
        "INSERT INTO outbox (id, topic, key, type, data) SELECT gen_random_uuid(), 'orders', "
        f"'{key}', 'note', jsonb_build_object('n', n, 'text', repeat('x', 900000)) FROM generate_series(1, 12) AS n",
    )

    def sent() -> list[int]:
        return [data["n"] for _, kind, data in stack.topic("orders") if kind == "note"]

    wait_for(lambda: len(stack.messages("orders")) >= before + 12, "all are published")
    assert sent() == list(range(1, 13))
