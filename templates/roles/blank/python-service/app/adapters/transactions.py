"""Transactions for requests that change something and announce it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from app.adapters.database import Database, Session
from app.adapters.outbox import PostgresOutbox, store_events
from app.application.events import Outbox

WorkT = TypeVar("WorkT")


class PostgresTransactions(Generic[WorkT]):
    """Opens transactions, and says when one has put events into the outbox."""

    def __init__(
        self,
        database: Database,
        work: Callable[[Session, Outbox], WorkT],
        on_announced: Callable[[], None],
        traceparent: str | None = None,
    ) -> None:
        self._database = database
        self._work = work
        self._on_announced = on_announced
        self._traceparent = traceparent

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[WorkT]:
        outbox = PostgresOutbox(self._traceparent)
        async with self._database.transaction() as session:
            yield self._work(session, outbox)
            announced = await store_events(session, [outbox])
        if announced:
            self._on_announced()
