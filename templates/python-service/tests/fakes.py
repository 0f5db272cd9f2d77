"""Stand-ins for what lies outside: they behave like the real thing, in memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from math import inf
from typing import Generic, TypeVar
from uuid import uuid4

from app.application.broker import HandleAll, Message, MessageRefused, Received, Unavailable
from app.application.cloudevents import Envelope
from app.application.events import Event

WorkT = TypeVar("WorkT")


class FakeBroker:
    """Keeps topics of one partition each; refuses to answer as often as it is told to.

    It stores the messages that come before one that is too large, as a real one may.
    """

    def __init__(self, outages: int = 0, most_bytes: float = inf) -> None:
        self.topics: defaultdict[str, list[Message]] = defaultdict(list)
        self.outages = outages
        self.most_bytes = most_bytes

    async def open(self) -> None:
        self._answer()

    async def publish(self, messages: Sequence[Message]) -> None:
        self._answer()
        for message in messages:
            if len(message.value or b"") > self.most_bytes:
                raise MessageRefused("broker: too large")
            self.topics[message.topic].append(message)

    async def close(self) -> None: ...

    async def deliver(self, topic: str, handle: HandleAll) -> None:
        """Hand over every message of a topic, all of them together."""
        await handle([received(*place) for place in zip(self.topics[topic], count())])

    def _answer(self) -> None:
        if self.outages > 0:
            self.outages -= 1
            raise Unavailable("broker: no answer")


class FakeInbox(Generic[WorkT]):
    """Remembers events when their handlers are done with them, as a transaction would."""

    def __init__(self, work: WorkT, outages: int = 0) -> None:
        self._work = work
        self._outages = outages
        self.handled: set[str] = set()
        self.transactions = 0

    @asynccontextmanager
    async def receive(self, envelopes: Sequence[Envelope]) -> AsyncIterator[list[WorkT | None]]:
        if self._outages > 0:
            self._outages -= 1
            raise Unavailable("database: no answer")
        seen = set(self.handled)
        works: list[WorkT | None] = []
        for envelope in envelopes:
            works.append(None if envelope.id in seen else self._work)
            seen.add(envelope.id)
        yield works
        self.handled = seen
        self.transactions += 1


class FakeOutbox:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def add(self, event: Event) -> None:
        self.events.append(event)


class FakeClock:
    """Time that passes when somebody waits, and takes none."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def received(message: Message, offset: int = 0) -> Received:
    return Received(
        topic=message.topic,
        key=message.key,
        value=message.value,
        headers=message.headers,
        partition=0,
        offset=offset,
    )


def message(topic: str, type: str, value: str, key: str = "k", id: str | None = None) -> Message:
    """Make a message as another service would send it."""
    headers = {"ce_id": id or str(uuid4()), "ce_type": type, "ce_source": "/test"}
    return Message(
        topic=topic,
        key=key.encode(),
        value=value.encode(),
        headers=tuple((name, text.encode()) for name, text in headers.items()),
    )


async def until(condition: Callable[[], bool]) -> None:
    """Let the other tasks run until something is true; fail if it never is."""
    async with asyncio.timeout(300):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)
