"""One partition: its messages are handled in order, those that have come in meanwhile together."""

import asyncio
import time
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.application.broker import HandleAll, Received

POLL_MS = 1000
# Messages that are handled together share a transaction, which must not take long: there are twice
# as many the next time, up to MOST, or half as many when this time was more than LONG_SECONDS.
MOST = 100
LONG_SECONDS = 0.5


class Partition:
    """Reads one partition for as long as this process owns it."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        tp: TopicPartition,
        handle: HandleAll,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tp = tp
        # The offset of the next message to handle; None until it is known.
        self.position: int | None = None
        self.committed: int | None = None
        self.busy = False
        self._consumer = consumer
        self._handle = handle
        self._clock = clock
        self._stopping = False
        self._fetched: asyncio.Queue[ConsumerRecord] = asyncio.Queue(MOST)
        self._reading: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Take no more messages: they are for the next owner, who may be this process again."""
        self._stopping = True
        if self._reading:
            self._reading.cancel()

    async def run(self) -> None:
        self.position = self.committed = await self._consumer.position(self.tp)
        async with asyncio.TaskGroup() as tasks:
            self._reading = tasks.create_task(self._read())
            await self._handle_in_order()
            self._reading.cancel()

    async def _read(self) -> None:
        """Take at once what the client has fetched: as long as some is left, it fetches no more.

        That holds for all partitions, so one whose messages take long would slow down the others.
        """
        while True:
            fetched = await self._consumer.getmany(self.tp, timeout_ms=POLL_MS, max_records=MOST)
            for record in fetched.get(self.tp, ()):
                await self._fetched.put(record)

    async def _handle_in_order(self) -> None:
        most = 1
        while not self._stopping:
            records = await self._next(most)
            began = self._clock()
            self.busy = True
            await self._handle([received(record) for record in records])
            self.busy = False
            self.position = records[-1].offset + 1
            long = self._clock() - began > LONG_SECONDS
            most = max(1, most // 2) if long else min(MOST, most * 2)

    async def _next(self, most: int) -> list[ConsumerRecord]:
        """Wait for a message, and take with it what else is there."""
        records = [await self._fetched.get()]
        while len(records) < most and not self._fetched.empty():
            records.append(self._fetched.get_nowait())
        return records


def received(record: ConsumerRecord) -> Received:
    return Received(
        topic=record.topic,
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers),
        partition=record.partition,
        offset=record.offset,
    )
