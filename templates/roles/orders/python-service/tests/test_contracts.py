"""Both sides of contracts/events: what this service is sent, and what it writes."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from app.application.events import Event
from app.application.order_events import OrderCreated, OrderProcessing
from app.application.worker import finish_order, start_order
from app.entrypoints.consumers import ANNOUNCES, SUBSCRIPTIONS
from tests.order_fakes import Desk

CONTRACTS = Path(__file__).parents[3] / "contracts" / "events"


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CONTRACTS / name).read_text())
    return content


def example(event_type: str) -> dict[str, Any]:
    return read(f"examples/{event_type}.json")


def check(event: Event) -> None:
    schema = read(f"{event.type}.schema.json")
    Draft202012Validator(schema).validate(json.loads(event.to_json()))


async def events_of(created: dict[str, Any]) -> list[Event]:
    """Let the worker take an order through both of its steps; give what it announces."""
    desk = Desk()
    await start_order(OrderCreated.model_validate(created), desk.work)
    [processing] = desk.outbox.events
    assert isinstance(processing, OrderProcessing)
    await finish_order(processing, desk.work)
    return desk.outbox.events


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS, ids=lambda s: s.event.type)
def test_understands_the_examples(subscription: Any) -> None:
    content = example(subscription.event.type)
    event = subscription.event.model_validate_json(json.dumps(content))
    assert json.loads(event.to_json()) == content


async def test_writes_what_the_schemas_say() -> None:
    created = example("order.created")
    minimal = {**created, "shipTo": None, "userId": "no-funds"}
    events = [*await events_of(created), *await events_of(minimal)]
    for event in events:
        check(event)
    assert {type(event) for event in events} == set(ANNOUNCES)


async def test_ignores_what_a_producer_adds() -> None:
    created = {**example("order.created"), "coupon": "SPRING"}
    created["items"] = [{**item, "giftWrap": True} for item in created["items"]]
    events = await events_of(created)
    for event in events:
        check(event)


def test_the_key_is_the_order() -> None:
    event = OrderCreated.model_validate(example("order.created"))
    assert UUID(event.key) == event.order_id
