"""One membership in a consumer group, from joining to leaving."""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from app.adapters.kafka.closing import close
from app.adapters.kafka.partition import Partition
from app.adapters.kafka.watchdog import STUCK_SECONDS, Stuck, Watchdog
from app.application.broker import HandleAll

# What is handled and not yet committed comes again after a crash, and the inbox drops it.
COMMIT_SECONDS = 0.25
WATCH_SECONDS = 2.0
JOIN_SECONDS = 30.0
RELEASE_SECONDS = 3.0
CALL_SECONDS = 2.0


class Membership(ConsumerRebalanceListener):
    """Handles the partitions that the group gives to this process, each in a task of its own."""

    def __init__(
        self, consumer: AIOKafkaConsumer, topics: Collection[str], handle: HandleAll
    ) -> None:
        self.watchdog = Watchdog()
        self.problem: str | None = "joining the group"
        self._consumer = consumer
        self._topics = topics
        self._handle = handle
        self._tasks = asyncio.TaskGroup()
        self._partitions: dict[Partition, asyncio.Task[None]] = {}
        self._joining_since: float | None = time.monotonic()
        self._silent_since: float | None = None
        self._leaving = False

    @property
    def partitions(self) -> int:
        return len(self._partitions)

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping` is set; raise when this membership cannot go on."""
        try:
            await self._consumer.start()
            async with self._tasks:
                self._consumer.subscribe(self._topics, listener=self)
                background = [
                    self._tasks.create_task(self._commit_regularly()),
                    self._tasks.create_task(self._watch()),
                ]
                await stopping.wait()
                self._leaving = True
                await self._release()
                for task in background:
                    task.cancel()
        finally:
            await close(self._consumer)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        if self._leaving:
            return
        for tp in assigned:
            partition = Partition(self._consumer, tp, self._handle)
            self._partitions[partition] = self._tasks.create_task(partition.run())
        self._joining_since = None
        self.problem = None

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._joining_since = time.monotonic()
        await self._release()

    async def _release(self) -> None:
        """Finish what is in hand and commit, so that the next owner starts where this one ends."""
        partitions, self._partitions = self._partitions, {}
        for partition, task in partitions.items():
            partition.stop()
            if not partition.busy:
                task.cancel()
        if partitions:
            _, late = await asyncio.wait(partitions.values(), timeout=RELEASE_SECONDS)
            for task in late:
                task.cancel()
            with suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self._commit(partitions), CALL_SECONDS)

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            await self._commit(self._partitions)

    async def _commit(self, partitions: Collection[Partition]) -> None:
        moved = {p: p.position for p in partitions if p.position != p.committed}
        if not moved:
            return
        try:
            await self._consumer.commit({p.tp: position for p, position in moved.items()})
        except (CommitFailedError, IllegalStateError):
            return  # they have gone to another member, which is given these messages too
        for partition, position in moved.items():
            partition.committed = position

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            since = self._joining_since
            if since is None:
                await self._measure()
            elif time.monotonic() - since > JOIN_SECONDS:
                raise Stuck("the group does not take this member")
            else:
                self.problem = "joining the group"

    async def _measure(self) -> None:
        partitions = list(self._partitions)
        try:
            ends = await asyncio.wait_for(
                self._consumer.end_offsets([p.tp for p in partitions]), CALL_SECONDS
            )
        except (TimeoutError, KafkaError) as error:
            self.problem = "the broker does not answer"
            now = time.monotonic()
            self._silent_since = self._silent_since or now
            if now - self._silent_since >= STUCK_SECONDS:
                # As a rule the client connects again by itself, but not always.
                raise Stuck("the client does not find its broker again") from error
            return
        self.problem = self._silent_since = None
        self.watchdog.observe(partitions, ends)
