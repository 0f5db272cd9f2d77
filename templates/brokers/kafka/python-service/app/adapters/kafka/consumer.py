"""Consume from Kafka for good: a membership of the group that breaks is followed by a new one."""

import asyncio
import logging
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer

from app.adapters.kafka.membership import Membership
from app.adapters.kafka.topics import create_topics
from app.adapters.kafka.watchdog import STUCK_SECONDS
from app.application.broker import HandleAll, dead_letter_topic
from app.application.health import Health
from app.application.retry import wait_for_event

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5

# A member that was killed keeps its partitions for so long; brokers accept no less by default.
SESSION_MS = 6_000
HEARTBEAT_MS = 1_000
# A message may wait for the database as long as it takes: the watchdog judges progress, not this.
NEVER_MS = 2**31 - 1


class KafkaConsumer:
    """A member of the group `group` on some topics."""

    def __init__(
        self, servers: str, topics: Collection[str], group: str, handle: HandleAll
    ) -> None:
        self._servers = servers
        self._topics = topics
        self._used_topics = [*topics, *map(dead_letter_topic, topics)]
        self._group = group
        self._handle = handle
        self._stopping = asyncio.Event()
        self._membership: Membership | None = None
        self._problem = "connecting"

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                await create_topics(self._servers, self._used_topics)
                self._problem = "connecting"
                self._membership = Membership(self._client(), self._topics, self._handle)
                await self._membership.run(self._stopping)
            except Exception as error:
                problem = repr(_cause(error))
                # A broker that is away is so for many tries: one line will do.
                if problem != self._problem:
                    logger.warning("consumer starts again", extra={"problem": problem})
                self._problem = problem
                await wait_for_event(self._stopping, RETRY_SECONDS)
            finally:
                self._membership = None

    def stop(self) -> None:
        self._stopping.set()

    async def health(self) -> Health:
        membership = self._membership
        if membership is None:
            return Health(ok=False, detail={"reason": self._problem})
        detail = {"partitions": membership.partitions, "lag": membership.watchdog.lag}
        if membership.problem is not None:
            return Health(ok=False, detail={**detail, "reason": membership.problem})
        if membership.watchdog.standstill >= STUCK_SECONDS:
            return Health(ok=False, detail={**detail, "reason": "no progress, and messages wait"})
        return Health(ok=True, detail=detail)

    def _client(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=self._group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=NEVER_MS,
        )


def _cause(error: Exception) -> Exception:
    """Take the first error out of the group that a TaskGroup raises."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
