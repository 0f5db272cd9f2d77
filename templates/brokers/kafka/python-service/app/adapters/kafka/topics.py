"""Topics are made by the services that use them; the broker creates none by itself."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from app.application.broker import takes_dead_letters

PARTITIONS = 4
# One node has one copy; a cluster wants three.
REPLICATION = 1

# Twice what Kafka takes by default: a dead letter is its message and some notes, and must never be
# too large. As a producer's limit it leaves the decision to the topic.
MAX_BYTES = 2 * 1_048_588


async def create_topics(servers: str, names: Collection[str]) -> None:
    """Create the topics that are missing, and wait until the broker serves all of them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        answer = await admin.create_topics(
            [
                NewTopic(name, PARTITIONS, REPLICATION, topic_configs=_settings(name))
                for name in names
            ]
        )
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(name)
        while not all(map(_is_served, await admin.describe_topics(list(names)))):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


def _settings(topic: str) -> dict[str, str]:
    return {"max.message.bytes": str(MAX_BYTES)} if takes_dead_letters(topic) else {}


def _is_served(topic: Mapping[str, Any]) -> bool:
    """Tell whether every partition has a leader: a new topic exists a moment before that."""
    partitions = topic["partitions"]
    return bool(partitions) and all(partition["leader"] >= 0 for partition in partitions)
