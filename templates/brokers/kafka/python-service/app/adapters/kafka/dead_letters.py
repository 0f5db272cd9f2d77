"""The dead letters of a topic on Kafka. What was put back, the offsets of a group remember."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.adapters.kafka.closing import close
from app.adapters.kafka.partition import received
from app.application.broker import Received, Unavailable, dead_letter_topic
from app.application.dead_letters import NoSuchTopic

GROUP = "replay"
BATCH = 100
# A broker that does not answer for so long is away.
ANSWER_SECONDS = 15.0
POLL_MS = 500


@asynccontextmanager
async def open_dead_letters(servers: str, topic: str) -> AsyncIterator["KafkaDeadLetters"]:
    """Raise NoSuchTopic when there are none of that topic, and Unavailable without a broker."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            partitions = await _partitions(servers, topic)
            await consumer.start()
            # Taken, not given by the group: nobody else is in it, so there is nothing to wait for.
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
        yield KafkaDeadLetters(consumer, ends)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"kafka: {error!r}") from error
    finally:
        await close(consumer)


async def _partitions(servers: str, topic: str) -> list[TopicPartition]:
    """Find the partitions of the dead letter topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        name = dead_letter_topic(topic)
        topics = await admin.list_topics()
        if name not in topics:
            raise NoSuchTopic(topic, [name for name in topics if dead_letter_topic(name) in topics])
        [description] = await admin.describe_topics([name])
        return [TopicPartition(name, entry["partition"]) for entry in description["partitions"]]
    finally:
        await admin.close()


class KafkaDeadLetters:
    """Reads each partition from what was settled last to what was its end when this was opened."""

    def __init__(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        self._consumer = consumer
        self._ends = ends

    async def waiting(self) -> AsyncIterator[Sequence[Received]]:
        for partition, end in self._ends.items():
            while records := await self._next(partition, end):
                if batch := [received(record) for record in records if record.offset < end]:
                    yield batch

    async def settle(self, letters: Sequence[Received]) -> None:
        last = letters[-1]
        place = TopicPartition(last.topic, last.partition)
        await self._consumer.commit({place: last.offset + 1})

    async def _next(self, partition: TopicPartition, end: int) -> Sequence[ConsumerRecord]:
        async with asyncio.timeout(ANSWER_SECONDS):
            while await self._consumer.position(partition) < end:
                found = await self._consumer.getmany(
                    partition, timeout_ms=POLL_MS, max_records=BATCH
                )
                if partition in found:
                    records: Sequence[ConsumerRecord] = found[partition]
                    return records
        return ()
