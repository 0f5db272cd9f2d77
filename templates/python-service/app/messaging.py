"""Start and stop what moves events: the relay for the outgoing, the consumer for the incoming."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.adapters.broker import BrokerConsumer, BrokerPublisher
from app.adapters.database import Database
from app.adapters.inbox import PostgresInbox
from app.adapters.outbox import OutboxTables
from app.adapters.pruning import Pruner
from app.adapters.relay import Relay
from app.application.broker import dead_letter_topic
from app.entrypoints.consumers import ANNOUNCES, SUBSCRIPTIONS
from app.entrypoints.dispatcher import Dispatcher
from app.entrypoints.health import Check
from app.settings import Settings
from app.wiring import work

DRAIN_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Messaging:
    """What the rest of the service sees of it."""

    checks: Mapping[str, Check]
    # To be called after a commit that has put events into the outbox.
    wake_relay: Callable[[], None]


@asynccontextmanager
async def run_messaging(settings: Settings, database: Database) -> AsyncIterator[Messaging]:
    """Run what the tables in app/entrypoints/consumers.py call for."""
    name = settings.service_name
    incoming = {subscription.event.topic for subscription in SUBSCRIPTIONS}
    outgoing = {event.topic for event in ANNOUNCES} | set(map(dead_letter_topic, incoming))

    publisher = BrokerPublisher(settings.broker_url, topics=outgoing)
    outbox = OutboxTables(database, source=f"/{name}")
    relay = Relay(outbox, publisher)
    inbox = PostgresInbox(database, work, consumer=name, on_announced=relay.wake)
    pruner = Pruner(database)
    dispatcher = Dispatcher(SUBSCRIPTIONS, inbox, publisher, group=name)
    consumer = BrokerConsumer(settings.broker_url, incoming, group=name, handle=dispatcher)

    checks: dict[str, Check] = {}
    # Left in reverse: the message in hand may put a last event into the outbox.
    async with AsyncExitStack() as stack:
        stack.push_async_callback(publisher.close)
        if ANNOUNCES:
            await stack.enter_async_context(background(relay.run(), relay.stop))
            checks |= {"relay": relay.health, "outbox": outbox.health}
        if SUBSCRIPTIONS:
            await stack.enter_async_context(background(pruner.run(), pruner.stop))
            await stack.enter_async_context(background(consumer.run(), consumer.stop))
            checks["consumer"] = consumer.health
        yield Messaging(checks, relay.wake)


@asynccontextmanager
async def background(
    run: Coroutine[None, None, None], stop: Callable[[], None]
) -> AsyncIterator[None]:
    """Keep something running; at the end ask it to stop, and cancel it if that takes too long."""
    task = asyncio.create_task(run)
    try:
        yield
    finally:
        stop()
        await asyncio.wait([task], timeout=DRAIN_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
