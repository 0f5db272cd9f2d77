"""From the creation of an item to the end of its processing, with everything around in memory."""

from uuid import UUID

from app.application.create_item import create_item
from app.application.item_events import ItemCreated
from app.application.process_item import process_item
from app.domain.item import Item
from app.entrypoints.consumers import SUBSCRIPTIONS
from app.entrypoints.dispatcher import Dispatcher
from tests.fakes import FakeBroker, FakeInbox, message
from tests.item_fakes import Desk, item


async def created(desk: Desk) -> Item:
    async with desk.begin() as work:
        return await create_item("Lamp", "Brass", work)


class Deliveries:
    """Delivers what is in the outbox of a desk to the handlers of this service."""

    def __init__(self, desk: Desk) -> None:
        self._outbox = desk.outbox
        self._broker = FakeBroker()
        self._dispatcher = Dispatcher(SUBSCRIPTIONS, FakeInbox(desk.work), self._broker, "test")

    async def deliver(self, id: str) -> None:
        [event] = self._outbox.events
        self._broker.topics.clear()
        await self._broker.publish(
            [message(event.topic, event.type, event.to_json(), event.key, id)]
        )
        await self._broker.deliver(event.topic, self._dispatcher)
        assert self._broker.topics[f"{event.topic}.dlq"] == []


async def test_an_item_is_processed_after_its_creation() -> None:
    desk = Desk()
    lamp = await created(desk)
    assert lamp.processed_at is None
    await Deliveries(desk).deliver("1")
    assert desk.items.stored[lamp.id].processed_at is not None


async def test_an_item_that_is_announced_twice_is_processed_once() -> None:
    desk = Desk()
    lamp = await created(desk)
    deliveries = Deliveries(desk)
    await deliveries.deliver("1")
    first = desk.items.stored[lamp.id]
    await deliveries.deliver("1")
    assert desk.items.stored[lamp.id] is first


async def test_an_item_that_is_gone_is_no_problem() -> None:
    desk = Desk(item(1))
    await process_item(ItemCreated(id=UUID(int=2), name="Gone"), desk.work)
    assert desk.items.stored[UUID(int=1)].processed_at is None


async def test_the_key_of_the_event_is_the_item() -> None:
    desk = Desk()
    lamp = await created(desk)
    assert [event.key for event in desk.outbox.events] == [str(lamp.id)]
