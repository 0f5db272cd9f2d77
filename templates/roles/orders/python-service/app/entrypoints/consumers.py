"""What this service listens to, and what it announces: one line a type of event."""

from app.application.events import Event, Subscription, on
from app.application.order_events import (
    OrderCompleted,
    OrderCreated,
    OrderFailed,
    OrderProcessing,
)
from app.application.work import Work
from app.application.worker import finish_order, start_order

SUBSCRIPTIONS: tuple[Subscription[Work], ...] = (
    on(OrderCreated, start_order),
    on(OrderProcessing, finish_order),
)

ANNOUNCES: tuple[type[Event], ...] = (OrderProcessing, OrderCompleted, OrderFailed)
