from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from app.application.work import Work
from app.domain.item import Item
from tests.fakes import FakeOutbox


def item(number: int, name: str = "Lamp") -> Item:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Item(id=UUID(int=number), name=name, description="", created_at=at)


class FakeItems:
    def __init__(self, *items: Item) -> None:
        self.stored = {item.id: item for item in items}

    async def add(self, item: Item) -> None:
        self.stored[item.id] = item

    async def get(self, item_id: UUID) -> Item | None:
        return self.stored.get(item_id)

    async def page(self, after: UUID | None, limit: int) -> list[Item]:
        return [self.stored[id] for id in sorted(self.stored) if after is None or id > after][
            :limit
        ]

    async def change(self, item_id: UUID, name: str, description: str) -> Item | None:
        return self._update(item_id, name=name, description=description)

    async def mark_processed(self, item_id: UUID, at: datetime) -> None:
        self._update(item_id, processed_at=at)

    async def remove(self, item_id: UUID) -> bool:
        return self.stored.pop(item_id, None) is not None

    def _update(self, item_id: UUID, **changes: object) -> Item | None:
        if item_id in self.stored:
            self.stored[item_id] = replace(self.stored[item_id], **changes)  # type: ignore[arg-type]
        return self.stored.get(item_id)


class Desk:
    """The ports of one transaction, and a look at what was done through them."""

    def __init__(self, *items: Item) -> None:
        self.items = FakeItems(*items)
        self.outbox = FakeOutbox()
        self.work = Work(items=self.items, outbox=self.outbox)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        yield self.work
