"""The relay: publishes what is in the outbox, in order, and marks it when the broker has it.

It publishes first and marks afterwards: a crash in between publishes twice, never not at all.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from app.application.broker import Message, Publisher, Unavailable
from app.application.health import Health
from app.application.publishing import publish_all
from app.application.retry import backoff, wait_for_event

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# Under load a batch is at least what is committed within this time; a single event never waits.
PAUSE_SECONDS = 0.01
SLOW_SECONDS = 5.0
PRUNE_EVERY_SECONDS = 3600.0
KEEP_DAYS = 7


@dataclass(frozen=True, slots=True)
class Batch:
    """The oldest events, by their numbers; `full` when there may be more of them."""

    events: Mapping[int, Message]
    full: bool


class Table(Protocol):
    async def lock(self) -> bool: ...
    async def unpublished(self) -> Batch: ...
    async def mark_published(self, numbers: Sequence[int]) -> None: ...
    async def mark_refused(self, number: int, refusal: str) -> None: ...
    async def prune(self, days: int) -> None: ...


class Tables(Protocol):
    def open(self) -> AbstractAsyncContextManager[Table]: ...


class Relay:
    """Publishes while it holds the lock: with one relay a database, events stay in order."""

    def __init__(
        self,
        tables: Tables,
        publisher: Publisher,
        wait: Callable[[asyncio.Event, float], Awaitable[None]] = wait_for_event,
    ) -> None:
        self._tables = tables
        self._publisher = publisher
        self._wait = wait
        self._wanted = asyncio.Event()
        self._stopped = asyncio.Event()
        self._problem: str | None = "not started"
        self._failures = 0
        self._sending_since: float | None = None

    def wake(self) -> None:
        """Look into the outbox now: something was committed to it."""
        self._wanted.set()

    def stop(self) -> None:
        """Let `run` publish what is there, and end."""
        self._stopped.set()
        self._wanted.set()

    async def run(self) -> None:
        """Publish until `stop`, whatever goes away and comes back in the meantime."""
        while not self._stopped.is_set():
            try:
                await self._publisher.open()
                async with self._tables.open() as table:
                    if await self._become_leader(table):
                        await self._lead(table)
            except Exception as error:
                self._failures += 1
                self._problem = str(error)
                unexpected = not isinstance(error, Unavailable)
                logger.warning(
                    "cannot publish", exc_info=unexpected, extra={"problem": self._problem}
                )
                await self._wait(self._stopped, backoff(self._failures))

    async def health(self) -> Health:
        since = self._sending_since
        if since is not None and time.monotonic() - since > SLOW_SECONDS:
            return Health(ok=False, detail={"reason": "the broker does not acknowledge"})
        return Health(ok=self._problem is None, detail=_problem(self._problem))

    async def _become_leader(self, table: Table) -> bool:
        """Stand by until the lock is free; tell whether it was won before `stop`."""
        while not await table.lock():
            self._problem = None
            await self._wait(self._stopped, POLL_SECONDS)
            if self._stopped.is_set():
                return False
        return True

    async def _lead(self, table: Table) -> None:
        next_prune = time.monotonic()
        while True:
            # Before looking, not after: a commit between the two must wake the relay once more.
            self._wanted.clear()
            last_round = self._stopped.is_set()
            await self._empty(table)
            self._problem = None
            self._failures = 0
            if last_round:
                return
            if time.monotonic() >= next_prune:
                await table.prune(KEEP_DAYS)
                next_prune = time.monotonic() + PRUNE_EVERY_SECONDS
            await self._wait(self._stopped, PAUSE_SECONDS)
            await self._wait(self._wanted, POLL_SECONDS)

    async def _empty(self, table: Table) -> None:
        """Publish batch after batch until no more than a part of one is found."""
        full = True
        while full:
            batch = await table.unpublished()
            if batch.events:
                await self._publish(table, batch.events)
            full = batch.full

    async def _publish(self, table: Table, events: Mapping[int, Message]) -> None:
        self._sending_since = time.monotonic()
        try:
            refusals = await publish_all(self._publisher, events)
        finally:
            self._sending_since = None
        for number, refusal in refusals.items():
            logger.error("event cannot be published", extra={"seq": number, "problem": refusal})
            await table.mark_refused(number, refusal)
        await table.mark_published([number for number in events if number not in refusals])


def _problem(text: str | None) -> dict[str, object]:
    return {} if text is None else {"reason": text}
