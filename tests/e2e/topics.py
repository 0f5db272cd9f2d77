"""What lies in the topics of Kafka, read from their beginning."""

from __future__ import annotations

import json
from typing import Any

import aiokafka


async def read_topic(address: str, name: str) -> list[Any]:
    """Return all messages of a topic."""
    consumer = aiokafka.AIOKafkaConsumer(name, bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = list(consumer.assignment())
        assert partitions, f"there is no topic {name}"
        ends = await consumer.end_offsets(partitions)
        messages = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                messages += batch
    finally:
        await consumer.stop()
    return messages


def event_of(message: Any) -> tuple[str, str, dict[str, Any]] | None:
    """Return (event id, type, data) of a message, if it is an event."""
    headers = {key: value.decode() for key, value in message.headers}
    try:
        return headers["ce_id"], headers["ce_type"], json.loads(message.value)
    except (KeyError, ValueError, TypeError):
        return None
