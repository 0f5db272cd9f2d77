"""What this service listens to, and what it announces: one line a type of event."""

from app.application.events import Event, Subscription
from app.application.work import Work

SUBSCRIPTIONS: tuple[Subscription[Work], ...] = ()

ANNOUNCES: tuple[type[Event], ...] = ()
