"""The inbox: which events this service has handled. It makes a second delivery harmless."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from app.adapters.database import Database, Session
from app.adapters.outbox import PostgresOutbox, store_events
from app.application.cloudevents import Envelope
from app.application.events import Outbox

WorkT = TypeVar("WorkT")


class PostgresInbox(Generic[WorkT]):
    """Opens a transaction for some events, and says when one has put events into the outbox."""

    def __init__(
        self,
        database: Database,
        work: Callable[[Session, Outbox], WorkT],
        consumer: str,
        on_announced: Callable[[], None],
    ) -> None:
        self._database = database
        self._work = work
        self._consumer = consumer
        self._on_announced = on_announced

    @asynccontextmanager
    async def receive(self, envelopes: Sequence[Envelope]) -> AsyncIterator[list[WorkT | None]]:
        outboxes = [PostgresOutbox(envelope.traceparent) for envelope in envelopes]
        async with self._database.transaction() as session:
            fresh = await self._remember(session, [envelope.id for envelope in envelopes])
            yield [
                self._work(session, outbox) if is_fresh else None
                for is_fresh, outbox in zip(fresh, outboxes, strict=True)
            ]
            announced = await store_events(session, outboxes)
        if announced:
            self._on_announced()

    async def _remember(self, session: Session, event_ids: Sequence[str]) -> list[bool]:
        """Note events in the transaction that handles them; tell of each whether it is new.

        If another process is handling one of them, the statement waits for the outcome of that.
        Sorted, so that two processes with the same events do not wait for each other.
        """
        rows = await session.fetch(
            """
            INSERT INTO inbox (consumer, event_id)
            SELECT $1, event_id FROM unnest($2::text[]) AS event_id ORDER BY event_id
            ON CONFLICT DO NOTHING
            RETURNING event_id
            """,
            self._consumer,
            event_ids,
        )
        new = {row["event_id"] for row in rows}
        fresh = []
        for event_id in event_ids:
            fresh.append(event_id in new)
            new.discard(event_id)  # of two copies, only the first is new
        return fresh
