"""Events: how this service names, reads and announces what has happened."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from app.application.cloudevents import Envelope


class InvalidMessage(Exception):
    """The message can never be processed, however often it is tried."""


class Event(BaseModel):
    """The data of one type of event, as its contract describes it.

    Fields that are not declared are ignored, so that the producer may add some without asking.
    """

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)

    topic: ClassVar[str]
    type: ClassVar[str]

    @property
    @abstractmethod
    def key(self) -> str:
        """Name the thing that the event is about: events with the same key stay in order."""

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, exclude_none=True)


class Outbox(Protocol):
    async def add(self, event: Event) -> None:
        """Announce an event when, and only when, the transaction commits."""


EventT = TypeVar("EventT", bound=Event)
WorkT = TypeVar("WorkT")
WorkT_co = TypeVar("WorkT_co", covariant=True)


class Inbox(Protocol[WorkT_co]):
    def receive(
        self, envelopes: Sequence[Envelope]
    ) -> AbstractAsyncContextManager[Sequence[WorkT_co | None]]:
        """Open the transaction that these events are handled in.

        Give the work of each, or None for one that was handled before.
        """


@dataclass(frozen=True, slots=True)
class Subscription(Generic[WorkT]):
    """One type of event, and the handler that it goes to."""

    event: type[Event]
    handle: Callable[[Any, WorkT], Awaitable[None]]


def on(
    event: type[EventT], handle: Callable[[EventT, WorkT], Awaitable[None]]
) -> Subscription[WorkT]:
    """Subscribe a handler to a type of event; the type checker sees that the two fit."""
    return Subscription(event, handle)
