"""Learn from what happens in the system."""

from app.application.order_events import OrderCompleted
from app.application.work import Work


async def learn(event: OrderCompleted, work: Work) -> None:
    await work.purchases.add(event.user_id, event.items)
