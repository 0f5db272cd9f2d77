"""Forget events that cannot come again, so that the inbox does not grow for ever."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.adapters.database import Session
from app.application.broker import Unavailable
from app.application.retry import wait_for_event

logger = logging.getLogger(__name__)

# A topic keeps an event for 8 days, a dead letter 8 more, and it is put back for 21 days at most
# (app/application/dead_letters.py), to be kept for 8 again: 29 days, and one for good measure.
KEEP_DAYS = 30
EVERY_SECONDS = 3600.0


class Pruner:
    """Deletes old rows of the inbox, for the first time when the process has run for an hour.

    Not at the start: where everything was off for weeks, the topics still hold what they held then,
    and what was not committed is delivered again.
    """

    def __init__(
        self,
        session: Session,
        wait: Callable[[asyncio.Event, float], Awaitable[None]] = wait_for_event,
    ) -> None:
        self._session = session
        self._wait = wait
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        while True:
            await self._wait(self._stopped, EVERY_SECONDS)
            if self._stopped.is_set():
                return
            try:
                await self.prune()
            except Unavailable as error:
                logger.warning("inbox not pruned", extra={"problem": str(error)})

    async def prune(self) -> None:
        await self._session.execute(
            "DELETE FROM inbox WHERE received_at < now() - make_interval(days => $1)", KEEP_DAYS
        )
