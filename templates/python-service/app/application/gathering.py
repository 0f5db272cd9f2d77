"""Do together what several ask for at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

# Under load a group is at least what comes in within this time; a single item never waits for it.
PAUSE_SECONDS = 0.01

ItemT = TypeVar("ItemT")


@dataclass(slots=True)
class Group(Generic[ItemT]):
    items: list[ItemT] = field(default_factory=list)
    done: bool = False


class Gathering(Generic[ItemT]):
    """Calls `work` for one group at a time; what comes in meanwhile is the next group."""

    def __init__(self, work: Callable[[Sequence[ItemT]], Awaitable[bool]]) -> None:
        self._work = work
        self._next: Group[ItemT] = Group()
        self._turn = asyncio.Lock()
        self._free_at = 0.0

    async def run(self, items: Sequence[ItemT]) -> bool:
        """Give what `work` has said of the group that these items were in.

        It is False too if the one that did the work for all was cancelled.
        """
        group = self._next
        group.items += items
        async with self._turn:
            if group is self._next:  # the first of a group does the work for all
                await asyncio.sleep(self._free_at - time.monotonic())
                self._next = Group()
                group.done = await self._work(group.items)
                self._free_at = time.monotonic() + PAUSE_SECONDS
        return group.done
