"""Work on orders, step by step: each step is one transaction, and its event starts the next.

The event between the two makes "processing" a state that lasts: a crash after the first step is
followed by the second, whenever this service is back.
"""

from app.application.order_events import OrderCreated, OrderProcessing, outcome
from app.application.work import Work
from app.domain.order import Order


async def start_order(event: OrderCreated, work: Work) -> None:
    order = Order(event.order_id, event.user_id, event.items, event.ship_to)
    if await work.orders.add(order):
        await work.outbox.add(
            OrderProcessing(
                order_id=order.order_id,
                user_id=order.user_id,
                items=order.items,
                ship_to=order.ship_to,
            )
        )


async def finish_order(event: OrderProcessing, work: Work) -> None:
    order = Order(event.order_id, event.user_id, event.items, event.ship_to).decide()
    if await work.orders.finish(order):
        await work.outbox.add(outcome(order))
