"""What this service listens to, and what it announces: one line a type of event."""

from app.application.events import Event, Subscription, on
from app.application.item_events import ItemCreated
from app.application.process_item import process_item
from app.application.work import Work

SUBSCRIPTIONS: tuple[Subscription[Work], ...] = (on(ItemCreated, process_item),)

ANNOUNCES: tuple[type[Event], ...] = (ItemCreated,)
