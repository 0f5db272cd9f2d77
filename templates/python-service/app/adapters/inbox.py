"""The inbox: which events this service has handled. It makes a second delivery harmless."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from app.adapters.database import Database, Session
from app.adapters.outbox import PostgresOutbox
from app.application.cloudevents import Envelope
from app.application.events import Outbox

WorkT = TypeVar("WorkT")


class PostgresInbox(Generic[WorkT]):
    """Opens a transaction an event, and says when one has put events into the outbox."""

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
    async def receive(self, envelope: Envelope) -> AsyncIterator[WorkT | None]:
        async with self._database.transaction() as session:
            outbox = PostgresOutbox(session, envelope.traceparent)
            fresh = await self._remember(session, envelope.id)
            yield self._work(session, outbox) if fresh else None
        if outbox.used:
            self._on_announced()

    async def _remember(self, session: Session, event_id: str) -> bool:
        """Note the event in the transaction that handles it; tell whether it is new.

        If another process is handling the same event, the statement waits for the outcome of that.
        """
        return bool(
            await session.fetchval(
                """
                INSERT INTO inbox (consumer, event_id) VALUES ($1, $2)
                ON CONFLICT DO NOTHING
                RETURNING true
                """,
                self._consumer,
                event_id,
            )
        )
