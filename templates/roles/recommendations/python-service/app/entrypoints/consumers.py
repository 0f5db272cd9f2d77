"""What this service listens to, and what it announces: one line a type of event."""

from app.application.events import Event, Subscription, on
from app.application.learning import learn
from app.application.order_events import OrderCompleted
from app.application.work import Work

SUBSCRIPTIONS: tuple[Subscription[Work], ...] = (on(OrderCompleted, learn),)

ANNOUNCES: tuple[type[Event], ...] = ()
