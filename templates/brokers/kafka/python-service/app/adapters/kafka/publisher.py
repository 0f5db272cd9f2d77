"""Publish to Kafka: idempotent, and only content when every in-sync replica has the message."""

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from app.adapters.kafka.closing import close
from app.adapters.kafka.topics import MAX_BYTES, create_topics
from app.application.broker import Message, MessageRefused, Unavailable

# How long a message may be on its way. A broker that restarts is back within it.
SEND_TIMEOUT_MS = 10_000
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class KafkaPublisher:
    """Connects when it is first needed, and again after a failure."""

    def __init__(self, servers: str, topics: Collection[str]) -> None:
        self._servers = servers
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        await self._opened()

    async def publish(self, messages: Sequence[Message]) -> None:
        producer = await self._opened()
        try:
            # First all are sent, so that they travel in few requests; then all are awaited.
            sent = [await _send(producer, message) for message in messages]
            await asyncio.gather(*sent)
        except TOO_LARGE as error:
            await self._drop(producer)
            raise MessageRefused(f"kafka: {error!r}") from error
        except (KafkaError, OSError, TimeoutError) as error:
            await self._drop(producer)
            raise Unavailable(f"kafka: {error!r}") from error

    async def close(self) -> None:
        await self._drop(self._producer)

    async def _opened(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                self._producer = await self._connect()
            return self._producer

    async def _connect(self) -> AIOKafkaProducer:
        try:
            await create_topics(self._servers, self._topics)
            return await self._start()
        except Exception as error:
            # Of any type: the client trips over what a broker says that has only just started.
            raise Unavailable(f"kafka: {error!r}") from error

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            acks="all",
            request_timeout_ms=SEND_TIMEOUT_MS,
            max_request_size=MAX_BYTES,
        )
        try:
            await producer.start()
        except BaseException:
            await close(producer)
            raise
        return producer

    async def _drop(self, producer: AIOKafkaProducer | None) -> None:
        """Forget a producer: after a failure its sequence of messages may have a hole."""
        if producer is not None and producer is self._producer:
            self._producer = None
            await close(producer)


async def _send(producer: AIOKafkaProducer, message: Message) -> Awaitable[Any]:
    """Hand a message to the client; what is given back waits for the broker."""
    # The client refuses a message that has neither key nor value, and a dead letter may be one.
    nothing = message.key is None and message.value is None
    value = b"" if nothing else message.value
    sent: Awaitable[Any] = await producer.send(
        message.topic, value, key=message.key, headers=list(message.headers)
    )
    return sent
