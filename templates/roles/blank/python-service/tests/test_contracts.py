"""Both sides of contracts/: what this service writes, and what it reads."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.application.create_item import create_item
from app.application.events import Subscription
from app.application.work import Work
from app.entrypoints.consumers import ANNOUNCES, SUBSCRIPTIONS
from tests.item_fakes import Desk

CONTRACTS = Path(__file__).parents[1] / "contracts"


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CONTRACTS / name).read_text())
    return content


async def test_writes_what_the_schemas_say() -> None:
    desk = Desk()
    await create_item("x" * 100, "", desk.work)
    for event in desk.outbox.events:
        schema = read(f"{event.type}.schema.json")
        Draft202012Validator(schema).validate(json.loads(event.to_json()))
    assert {type(event) for event in desk.outbox.events} == set(ANNOUNCES)


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS, ids=lambda s: s.event.type)
def test_understands_the_examples(subscription: Subscription[Work]) -> None:
    content = read(f"examples/{subscription.event.type}.json")
    more = {**content, "addedLater": True}
    event = subscription.event.model_validate_json(json.dumps(more))
    assert json.loads(event.to_json()) == content


@pytest.mark.parametrize("event", ANNOUNCES, ids=lambda event: event.type)
def test_the_examples_are_what_the_schemas_say(event: Any) -> None:
    schema = read(f"{event.type}.schema.json")
    Draft202012Validator(schema).validate(read(f"examples/{event.type}.json"))
