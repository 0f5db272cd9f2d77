"""Process an item after its creation: the work that nobody who creates one should wait for."""

from datetime import UTC, datetime

from app.application.item_events import ItemCreated
from app.application.work import Work


async def process_item(event: ItemCreated, work: Work) -> None:
    """Note when the item was processed; a team puts its own work here.

    It may be called again after a failure. What it does through `work` is committed once, with the
    note that this event was handled; a call to another service has to bear a repetition.
    """
    await work.items.mark_processed(event.id, datetime.now(UTC))
