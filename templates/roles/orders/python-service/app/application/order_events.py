"""The events of an order, as contracts/events describes them."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.application.events import Event
from app.domain.order import Item, Order, ShipTo, Status

UserId = Annotated[str, Field(min_length=1, max_length=64)]
Items = Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]


class OrderEvent(Event):
    topic: ClassVar[str] = "orders"

    order_id: UUID
    user_id: UserId

    @property
    def key(self) -> str:
        return str(self.order_id)


class OrderCreated(OrderEvent):
    type: ClassVar[str] = "order.created"

    items: Items
    ship_to: ShipTo | None = None


class OrderProcessing(OrderEvent):
    type: ClassVar[str] = "order.processing"

    items: Items
    ship_to: ShipTo | None = None


class OrderCompleted(OrderEvent):
    type: ClassVar[str] = "order.completed"

    items: Items


class OrderFailed(OrderEvent):
    type: ClassVar[str] = "order.failed"

    reason: str


def outcome(order: Order) -> OrderCompleted | OrderFailed:
    """Give the event that announces how an order ended."""
    if order.status is Status.COMPLETED:
        return OrderCompleted(order_id=order.order_id, user_id=order.user_id, items=order.items)
    return OrderFailed(
        order_id=order.order_id, user_id=order.user_id, reason=order.reason or "unknown"
    )
