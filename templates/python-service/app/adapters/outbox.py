"""The outbox: events are stored with the change that they announce, and published from there."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from app.adapters.database import Database, Session
from app.adapters.relay import Batch
from app.application.broker import Message, Unavailable
from app.application.cloudevents import Envelope, write_headers
from app.application.events import Event
from app.application.health import Health

# Any number will do, as long as nothing else in this database locks the same one.
RELAY_LOCK = 6_817_442
# What is read at once. The last event may go beyond the bytes: one is never too large to be read.
MAX_EVENTS = 500
MAX_BYTES = 4_000_000


class PostgresOutbox:
    """Collects the events of a transaction; `store_events` writes them, before it commits."""

    def __init__(self, traceparent: str | None = None) -> None:
        self.events: list[Event] = []
        self.headers = json.dumps({"traceparent": traceparent} if traceparent else {})

    async def add(self, event: Event) -> None:
        self.events.append(event)


async def store_events(session: Session, outboxes: Sequence[PostgresOutbox]) -> bool:
    """Write what was collected, with one statement; tell whether there was anything."""
    rows = [
        (uuid4(), event.topic, event.key, event.type, event.to_json(), outbox.headers)
        for outbox in outboxes
        for event in outbox.events
    ]
    if rows:
        await session.execute(
            """
            INSERT INTO outbox (id, topic, key, type, data, headers)
            SELECT * FROM unnest(
                $1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[]
            )
            """,
            *zip(*rows, strict=True),
        )
    return bool(rows)


class OutboxTable:
    """The outbox as the relay reads it, on a connection of its own."""

    def __init__(self, session: Session, source: str) -> None:
        self._session = session
        self._source = source

    async def lock(self) -> bool:
        """Become the only relay until this connection ends; tell whether that worked."""
        # Not the lock that waits: it would hold a snapshot, and so keep vacuum from its work.
        return bool(await self._session.fetchval("SELECT pg_try_advisory_lock($1)", RELAY_LOCK))

    async def unpublished(self) -> Batch:
        """Give the oldest events that are still to be published."""
        rows = await self._session.fetch(
            """
            SELECT seq, id, topic, key, type, data, headers, created_at, bytes
            FROM (
                SELECT *, sum(pg_column_size(data)) OVER (ORDER BY seq) AS bytes
                FROM outbox
                WHERE published_at IS NULL AND refusal IS NULL
                ORDER BY seq
                LIMIT $1
            ) AS oldest
            WHERE bytes - pg_column_size(data) < $2
            ORDER BY seq
            """,
            MAX_EVENTS,
            MAX_BYTES,
        )
        total = rows[-1]["bytes"] if rows else 0
        return Batch(
            events={row["seq"]: self._message(row) for row in rows},
            full=len(rows) == MAX_EVENTS or total >= MAX_BYTES,
        )

    async def mark_published(self, numbers: Sequence[int]) -> None:
        await self._session.execute(
            "UPDATE outbox SET published_at = now() WHERE seq = ANY($1)", list(numbers)
        )

    async def mark_refused(self, number: int, refusal: str) -> None:
        """Set an event aside that the broker will never take."""
        await self._session.execute(
            "UPDATE outbox SET refusal = $2 WHERE seq = $1", number, refusal
        )

    async def prune(self, days: int) -> None:
        """Delete what was published more than so many days ago."""
        await self._session.execute(
            "DELETE FROM outbox WHERE published_at < now() - make_interval(days => $1)", days
        )

    def _message(self, row: asyncpg.Record) -> Message:
        return Message(
            topic=row["topic"],
            key=row["key"].encode(),
            value=row["data"].encode(),
            headers=write_headers(
                Envelope(id=str(row["id"]), type=row["type"], source=self._source),
                row["created_at"],
                json.loads(row["headers"]),
            ),
        )


class OutboxTables:
    """Opens the outbox for a relay."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OutboxTable]:
        async with self._database.own_connection() as connection:
            # A mark that a crash of the database takes back costs no more than a duplicate.
            await connection.execute("SET synchronous_commit = off")
            yield OutboxTable(connection, self._source)

    async def health(self) -> Health:
        """Tell how many events were set aside. It is for a person to look at them."""
        query = "SELECT count(*) FROM outbox WHERE refusal IS NOT NULL"
        try:
            return Health(ok=True, detail={"refused": await self._database.fetchval(query)})
        except Unavailable as error:
            return Health(ok=False, detail={"reason": str(error)})
