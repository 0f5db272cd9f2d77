"""Waiting before something is tried again."""

import asyncio
import random
from contextlib import suppress

FIRST_DELAY = 0.1
LONGEST_DELAY = 2.0
MOST_DOUBLINGS = 10


def backoff(attempt: int) -> float:
    """Give the seconds to wait after the n-th failed attempt.

    They double up to a limit, with jitter: replicas that failed together must not return together.
    """
    delay = FIRST_DELAY * 2.0 ** min(attempt - 1, MOST_DOUBLINGS)
    return min(delay, LONGEST_DELAY) * random.uniform(0.5, 1.0)


async def wait_for_event(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, but no longer than so many seconds."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
