"""Part with a client of Kafka, in whatever state it is."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 2.0


async def close(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client; when it has lost its broker that can take for ever, or fail.

    It runs in a task of its own, because a failure can be a CancelledError from within the client,
    which would look as if the caller had been cancelled.
    """
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait([stopping], timeout=CLOSE_SECONDS)
    stopping.cancel()
    error = (await asyncio.gather(stopping, return_exceptions=True))[0]
    if error is not None:
        logger.warning("client did not stop in order", extra={"problem": repr(error)})
