"""The health of a consumer is its progress: it can be connected and yet be given no message."""

import time
from collections.abc import Callable, Collection, Mapping

from aiokafka import TopicPartition

from app.adapters.kafka.partition import Partition

STUCK_SECONDS = 15.0


class Stuck(Exception):
    """The client has stopped fetching; only a new one will go on."""


class Watchdog:
    """Compares where each partition has come to with where it ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.lag = 0
        self.standstill = 0.0
        self._clock = clock
        self._behind: dict[TopicPartition, tuple[int | None, float]] = {}

    def observe(
        self, partitions: Collection[Partition], ends: Mapping[TopicPartition, int]
    ) -> None:
        """Note how many messages wait, and for how long a partition has not moved though they do.

        Raise Stuck if such a partition has nothing in hand. One that does is slow, perhaps because
        the database is away: a new client would not help it.
        """
        now = self._clock()
        behind = {}
        for partition in partitions:
            if partition.position is None or partition.position < ends[partition.tp]:
                position, since = self._behind.get(partition.tp, (None, now))
                moved = position != partition.position
                behind[partition.tp] = (partition.position, now if moved else since)
        self._behind = behind
        self.lag = sum(max(0, ends[p.tp] - (p.position or 0)) for p in partitions)
        self.standstill = max((now - since for _, since in behind.values()), default=0.0)
        for partition in partitions:
            _, since = behind.get(partition.tp, (None, now))
            if not partition.busy and now - since >= STUCK_SECONDS:
                raise Stuck(f"{partition.tp.topic}/{partition.tp.partition} has not moved")
