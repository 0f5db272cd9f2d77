"""Create an item, and announce it."""

from datetime import UTC, datetime
from uuid import uuid4

from app.application.item_events import ItemCreated
from app.application.work import Work
from app.domain.item import Item


async def create_item(name: str, description: str, work: Work) -> Item:
    item = Item(id=uuid4(), name=name, description=description, created_at=datetime.now(UTC))
    await work.items.add(item)
    # Into the same transaction: no item without its event, and no event without its item.
    await work.outbox.add(ItemCreated(id=item.id, name=item.name))
    return item
