"""The contracts agree with each other, and the API with the contracts."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from jsonschema import Draft202012Validator

from stack import REPO

CONTRACTS = REPO / "contracts"
TYPES = sorted(
    path.name.removesuffix(".schema.json") for path in CONTRACTS.glob("events/*.schema.json")
)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def references(node: Any) -> set[str]:
    """Collect every $ref below `node`."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if isinstance(node, dict):
        here = {node["$ref"]} if "$ref" in node else set()
        return here.union(*map(references, node.values()))
    return set()


@pytest.mark.parametrize("event_type", TYPES)
def test_the_example_is_what_the_schema_says(event_type: str) -> None:
    schema = read(CONTRACTS / "events" / f"{event_type}.schema.json")
    Draft202012Validator.check_schema(schema)

    Draft202012Validator(schema).validate(
        read(CONTRACTS / "events" / "examples" / f"{event_type}.json")
    )


def test_asyncapi_describes_every_event_and_nothing_else() -> None:
    document = read(CONTRACTS / "asyncapi.yaml")
    messages = document["components"]["messages"]

    assert sorted(messages) == TYPES
    for event_type, message in messages.items():
        assert message["name"] == event_type
        assert message["payload"] == {"$ref": f"./events/{event_type}.schema.json"}


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    document = read(CONTRACTS / "asyncapi.yaml")
    for reference in references(document):
        file, _, pointer = reference.partition("#")
        node = read(CONTRACTS / file) if file else document
        for key in pointer.strip("/").split("/") if pointer else []:
            node = node[key]


def test_the_api_takes_the_order_of_the_contract(api: httpx2.Client) -> None:
    order = read(CONTRACTS / "events" / "examples" / "order.created.json")
    del order["orderId"]

    assert api.post("/api/orders", json=order).status_code == 202


def test_the_api_takes_no_field_that_the_contract_forbids(api: httpx2.Client) -> None:
    schema = read(CONTRACTS / "events" / "order.created.schema.json")
    call = api.get("/docs/json").json()["paths"]["/api/orders"]["post"]
    body = call["requestBody"]["content"]["application/json"]["schema"]

    assert schema["additionalProperties"] is body["additionalProperties"] is False
    assert set(body["properties"]) == set(schema["properties"]) - {"orderId"}


def test_every_status_of_the_api_has_an_event(api: httpx2.Client) -> None:
    document = api.get("/docs/json").json()
    answers = document["paths"]["/api/orders/{id}"]["get"]["responses"]
    state = answers["200"]["content"]["application/json"]["schema"]

    # An order is pending as soon as order.created is written, and tells of nothing else.
    statuses = ["created" if s == "pending" else s for s in state["properties"]["status"]["enum"]]
    assert sorted(f"order.{status}" for status in statuses) == TYPES
