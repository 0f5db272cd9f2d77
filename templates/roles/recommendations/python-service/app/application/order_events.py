"""The events that this service learns from, as contracts/events describes them."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.application.events import Event
from app.domain.recommendation import Item


class OrderCompleted(Event):
    topic: ClassVar[str] = "orders"
    type: ClassVar[str] = "order.completed"

    order_id: UUID
    user_id: Annotated[str, Field(min_length=1, max_length=64)]
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]

    @property
    def key(self) -> str:
        return str(self.order_id)
