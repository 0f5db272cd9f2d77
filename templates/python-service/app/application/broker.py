"""The broker as this service sees it. Which product it is, only app/adapters knows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.application.health import Health


class Unavailable(Exception):
    """Something that this service needs does not answer; the same call may succeed later."""


class MessageRefused(Exception):
    """The broker will never take a message, however often it is sent: it is too large, perhaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Bytes on a topic. Messages with the same key stay in order."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Message):
    """A message, and the place where the broker keeps it."""

    partition: int
    offset: int


def dead_letter_topic(topic: str) -> str:
    """Name the topic that takes what nobody could handle."""
    return f"{topic}.dlq"


def takes_dead_letters(topic: str) -> bool:
    return topic.endswith(dead_letter_topic(""))


HandleAll = Callable[[Sequence[Received]], Awaitable[None]]


class Publisher(Protocol):
    async def open(self) -> None:
        """Connect and create the topics; raise Unavailable when no broker answers."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when the broker has stored all messages.

        Raise Unavailable if it may not have, and MessageRefused if it never will store one of them.
        """

    async def close(self) -> None:
        """Disconnect."""


class Consumer(Protocol):
    async def run(self) -> None:
        """Hand over the messages of each partition in order, until `stop`.

        Those that have come in meanwhile are handed over together, and are consumed when the
        handler returns. If the process dies before that, they come again.
        """

    def stop(self) -> None:
        """Let `run` finish the messages in hand, commit, leave the group, and end."""

    async def health(self) -> Health:
        """Tell whether messages that wait are being consumed."""
