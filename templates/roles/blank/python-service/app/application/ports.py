"""What the application needs from the outside."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.domain.item import Item


class Items(Protocol):
    async def add(self, item: Item) -> None: ...

    async def get(self, item_id: UUID) -> Item | None: ...

    async def page(self, after: UUID | None, limit: int) -> list[Item]:
        """Give the items whose ids come after the given one, in the order of their ids.

        Ids never change, so a client that goes from page to page meets no item twice and misses
        none, whatever is added or removed meanwhile. The order says nothing about their age.
        """

    async def change(self, item_id: UUID, name: str, description: str) -> Item | None: ...

    async def mark_processed(self, item_id: UUID, at: datetime) -> None:
        """Note that the work on an item is done; an item that is gone needs no note."""

    async def remove(self, item_id: UUID) -> bool:
        """Tell whether there was such an item."""
