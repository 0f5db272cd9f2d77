"""What the application needs from the outside."""

from typing import Protocol
from uuid import UUID

from app.domain.order import Order


class Orders(Protocol):
    async def add(self, order: Order) -> bool:
        """Store an order; tell whether it was new."""

    async def finish(self, order: Order) -> bool:
        """Store how an order ended; tell whether it had not ended before."""

    async def get(self, order_id: UUID) -> Order | None: ...

    async def latest(self, user_id: str | None, limit: int) -> list[Order]:
        """Give the newest orders first: of one user, or of all."""
