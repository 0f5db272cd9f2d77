"""The dispatcher: takes messages to their handlers, and to an end, whatever a handler does.

Messages that wait at the same time are handled in one transaction, which costs little more than
that of one. When it fails, each gets a transaction of its own, so that none harms another:

| outcome                        | then                                |
|--------------------------------|-------------------------------------|
| handled, or handled before     | done                                |
| no handler for its type        | done                                |
| the database or broker is away | tried again for as long as it takes |
| not an event, or not as agreed | dead letter at once                 |
| any other error                | tried five times, then dead letter  |
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from app.application.broker import MessageRefused, Publisher, Received, Unavailable
from app.application.cloudevents import Envelope, MissingHeader
from app.application.dead_letters import dead_letter
from app.application.events import Event, Inbox, InvalidMessage, Subscription
from app.application.gathering import Gathering
from app.application.retry import backoff

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5

WorkT = TypeVar("WorkT")


@dataclass(frozen=True, slots=True)
class Delivery(Generic[WorkT]):
    """An event, and the handler that it goes to."""

    envelope: Envelope
    event: Event
    handle: Callable[[Event, WorkT], Awaitable[None]]


class Dispatcher(Generic[WorkT]):
    """Handles the messages of one consumer group."""

    def __init__(
        self,
        subscriptions: Iterable[Subscription[WorkT]],
        inbox: Inbox[WorkT],
        publisher: Publisher,
        group: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._subscriptions = {(s.event.topic, s.event.type): s for s in subscriptions}
        self._inbox = inbox
        self._publisher = publisher
        self._group = group
        self._sleep = sleep
        # Of all partitions. One transaction at a time, also because two of many events each may
        # lock the same rows crosswise.
        self._together = Gathering(self._try)

    async def __call__(self, messages: Sequence[Received]) -> None:
        """Return when the messages need no more attention; their offsets may be committed then."""
        concerning = [message for message in messages if self._concerns(message)]
        if concerning and not await self._together.run(concerning):
            for message in concerning:
                await self._finish(message)

    def _concerns(self, message: Received) -> bool:
        """Tell whether there is something to do: a topic has types that no handler here is for."""
        try:
            return (message.topic, _open(message).type) in self._subscriptions
        except InvalidMessage:
            return True

    async def _try(self, messages: Sequence[Received]) -> bool:
        try:
            await self._process(messages)
        except Exception as error:
            logger.info("handling messages one by one", extra=_where(messages[0], error))
            return False
        return True

    async def _finish(self, message: Received) -> None:
        attempts = outages = 0
        while True:
            try:
                return await self._process([message])
            except Unavailable as error:
                outages += 1
                logger.warning("waiting to handle a message", extra=_where(message, error))
                await self._sleep(backoff(outages))
            except InvalidMessage as error:
                return await self._bury(message, error, attempts + 1)
            except Exception as error:
                attempts += 1
                logger.exception("cannot handle a message", extra=_where(message, error))
                if attempts == MAX_ATTEMPTS:
                    return await self._bury(message, error, attempts)
                await self._sleep(backoff(attempts))

    async def _process(self, messages: Sequence[Received]) -> None:
        """Handle all of them in one transaction, or none."""
        deliveries = [self._read(message) for message in messages]
        async with self._inbox.receive([delivery.envelope for delivery in deliveries]) as works:
            for delivery, work in zip(deliveries, works, strict=True):
                if work is not None:
                    await delivery.handle(delivery.event, work)

    def _read(self, message: Received) -> Delivery[WorkT]:
        envelope = _open(message)
        subscription = self._subscriptions[message.topic, envelope.type]
        return Delivery(envelope, _parse(subscription.event, message), subscription.handle)

    async def _bury(self, message: Received, error: Exception, attempts: int) -> None:
        """Put the message on the dead letter topic, however long the broker takes to accept it."""
        letter = dead_letter(message, error, attempts, self._group)
        logger.error("dead letter", extra=_where(message, error))
        outages = 0
        while True:
            try:
                return await self._publisher.publish([letter])
            except MessageRefused as refusal:
                # It lies where it was: the log says where.
                return logger.error("lost dead letter", extra=_where(message, refusal))
            except Unavailable:
                outages += 1
                await self._sleep(backoff(outages))


def _open(message: Received) -> Envelope:
    try:
        return Envelope.read(message.headers)
    except MissingHeader as error:
        raise InvalidMessage(str(error)) from error


def _parse(event: type[Event], message: Received) -> Event:
    try:
        return event.model_validate_json(message.value or b"")
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        reasons = (f"{'.'.join(map(str, p['loc'])) or 'body'}: {p['msg']}" for p in problems)
        raise InvalidMessage("; ".join(reasons)) from error


def _where(message: Received, error: Exception) -> dict[str, object]:
    return {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "problem": f"{type(error).__name__}: {error}",
    }
