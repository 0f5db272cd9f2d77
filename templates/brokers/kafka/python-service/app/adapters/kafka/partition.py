"""One partition: its messages are handled one after the other."""

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.application.broker import Handle, Received

BATCH = 100
POLL_MS = 1000


class Partition:
    """Reads one partition for as long as this process owns it."""

    def __init__(self, consumer: AIOKafkaConsumer, tp: TopicPartition, handle: Handle) -> None:
        self.tp = tp
        # The offset of the next message to handle; None until it is known.
        self.position: int | None = None
        self.committed: int | None = None
        self.busy = False
        self._consumer = consumer
        self._handle = handle
        self._stopping = False

    def stop(self) -> None:
        """Take no further message."""
        self._stopping = True

    async def run(self) -> None:
        self.position = self.committed = await self._consumer.position(self.tp)
        while not self._stopping:
            batch = await self._consumer.getmany(self.tp, timeout_ms=POLL_MS, max_records=BATCH)
            for record in batch.get(self.tp, ()):
                if self._stopping:
                    return
                self.busy = True
                await self._handle(received(record))
                self.busy = False
                self.position = record.offset + 1


def received(record: ConsumerRecord) -> Received:
    return Received(
        topic=record.topic,
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers),
        partition=record.partition,
        offset=record.offset,
    )
