from uuid import UUID

from app.application.work import Work
from app.domain.order import Order, Status
from tests.fakes import FakeOutbox


class FakeOrders:
    def __init__(self, *orders: Order) -> None:
        self.stored = {order.order_id: order for order in orders}

    async def add(self, order: Order) -> bool:
        if order.order_id in self.stored:
            return False
        self.stored[order.order_id] = order
        return True

    async def finish(self, order: Order) -> bool:
        stored = self.stored.get(order.order_id)
        if stored is None or stored.status is not Status.PROCESSING:
            return False
        self.stored[order.order_id] = order
        return True

    async def get(self, order_id: UUID) -> Order | None:
        return self.stored.get(order_id)

    async def latest(self, user_id: str | None, limit: int) -> list[Order]:
        newest_first = reversed(self.stored.values())
        return [o for o in newest_first if user_id in (None, o.user_id)][:limit]


class Desk:
    """The ports of the worker, and a look at what it did with them."""

    def __init__(self) -> None:
        self.orders = FakeOrders()
        self.outbox = FakeOutbox()
        self.work = Work(orders=self.orders, outbox=self.outbox)
