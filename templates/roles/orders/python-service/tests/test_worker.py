"""The worker from message to message, with everything around it in memory."""

import json
from uuid import UUID

from app.application.events import Event
from app.application.order_events import OrderCompleted, OrderFailed, OrderProcessing
from app.domain.order import Status
from app.entrypoints.consumers import SUBSCRIPTIONS
from app.entrypoints.dispatcher import Dispatcher
from tests.fakes import FakeBroker, FakeInbox, message
from tests.order_fakes import Desk

ORDER_ID = "3b241101-e2bb-4255-8caf-4136c566a962"


def created(sku: str = "book-1") -> str:
    return json.dumps(
        {
            "orderId": ORDER_ID,
            "userId": "u1",
            "items": [{"sku": sku, "quantity": 2}],
            "shipTo": {"city": "Lisbon"},
        }
    )


async def run(desk: Desk, *values: str) -> list[Event]:
    """Deliver order.created events, then what the worker announces, until nothing is left."""
    broker = FakeBroker()
    dispatcher = Dispatcher(SUBSCRIPTIONS, FakeInbox(desk.work), broker, "orders")
    await broker.publish([message("orders", "order.created", value) for value in values])
    await broker.deliver("orders", dispatcher)
    for event in desk.outbox.events:
        broker.topics.clear()
        await broker.publish([message(event.topic, event.type, event.to_json(), event.key)])
        await broker.deliver("orders", dispatcher)
        assert broker.topics["orders.dlq"] == []
    return desk.outbox.events


async def test_an_order_goes_from_created_to_completed() -> None:
    desk = Desk()
    processing, completed = await run(desk, created())
    assert isinstance(processing, OrderProcessing)
    assert isinstance(completed, OrderCompleted)
    assert desk.orders.stored[UUID(ORDER_ID)].status is Status.COMPLETED


async def test_an_order_that_is_refused_fails_with_the_reason() -> None:
    desk = Desk()
    _, failed = await run(desk, created(sku="out-of-stock"))
    assert isinstance(failed, OrderFailed)
    assert failed.reason == "out of stock: out-of-stock"
    assert desk.orders.stored[UUID(ORDER_ID)].status is Status.FAILED


async def test_an_order_that_is_announced_twice_is_worked_on_once() -> None:
    events = await run(Desk(), created(), created())
    assert [event.type for event in events] == ["order.processing", "order.completed"]


async def test_every_event_of_an_order_has_its_id_as_the_key() -> None:
    events = await run(Desk(), created())
    assert {event.key for event in events} == {ORDER_ID}
