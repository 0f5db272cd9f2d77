"""Orders, and the rules that decide whether one goes through."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

MAX_QUANTITY = 1000

# Simulated failures come with the data, so that anybody can see one without touching the code.
OUT_OF_STOCK = "out-of-stock"
NO_FUNDS = "no-funds"
NOWHERE = "nowhere"


class Status(StrEnum):
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    quantity: int

    def __post_init__(self) -> None:
        if not 1 <= self.quantity <= MAX_QUANTITY:
            raise ValueError(f"quantity must be between 1 and {MAX_QUANTITY}")


@dataclass(frozen=True, slots=True)
class ShipTo:
    city: str


@dataclass(frozen=True, slots=True)
class Order:
    order_id: UUID
    user_id: str
    items: tuple[Item, ...]
    ship_to: ShipTo | None = None
    status: Status = Status.PROCESSING
    reason: str | None = None
    created_at: datetime | None = None

    def decide(self) -> "Order":
        """Give the order as it ends: completed, or failed for a reason."""
        reason = self._refusal()
        if reason is None:
            return replace(self, status=Status.COMPLETED)
        return replace(self, status=Status.FAILED, reason=reason)

    def _refusal(self) -> str | None:
        if any(item.sku == OUT_OF_STOCK for item in self.items):
            return f"out of stock: {OUT_OF_STOCK}"
        if self.user_id == NO_FUNDS:
            return f"payment refused: {NO_FUNDS}"
        if self.ship_to is not None and self.ship_to.city == NOWHERE:
            return f"cannot ship to: {NOWHERE}"
        return None
