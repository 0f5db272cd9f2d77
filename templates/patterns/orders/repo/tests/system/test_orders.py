"""Orders from the outside: accepted at once, worked on later, each exactly once."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from stack import assert_problem, wait_for

Json = dict[str, Any]
Settled = Callable[[str], Json]

ORDER: Json = {"userId": "u1", "items": [{"sku": "book-1", "quantity": 2}]}


@pytest.fixture
def settled(api: httpx2.Client) -> Settled:
    """Wait until an order has come to its end, and give its final state."""

    def wait(order_id: str) -> Json:
        def final() -> Json | None:
            state: Json = api.get(f"/api/orders/{order_id}").json()
            return state if state["status"] in {"completed", "failed"} else None

        return wait_for(final, f"order {order_id} is completed or failed")

    return wait


def place(api: httpx2.Client, order: Json, key: str | None = None) -> str:
    response = api.post(
        "/api/orders", json=order, headers={"idempotency-key": key} if key else None
    )
    assert response.status_code == 202, response.text
    order_id: str = response.json()["orderId"]
    assert response.json() == {"orderId": order_id, "status": "pending"}
    assert response.headers["location"] == f"/api/orders/{order_id}"
    return order_id


def test_an_order_completes(api: httpx2.Client, settled: Settled) -> None:
    state = settled(place(api, ORDER))

    assert state["status"] == "completed"
    assert [step["status"] for step in state["history"]] == ["pending", "processing", "completed"]
    times = [datetime.fromisoformat(step["at"]) for step in state["history"]]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"items": [{"sku": "out-of-stock", "quantity": 1}]}, "out of stock"),
        ({"userId": "no-funds"}, "payment refused"),
        ({"shipTo": {"city": "nowhere"}}, "cannot ship"),
    ],
    ids=["out-of-stock", "no-funds", "nowhere"],
)
def test_an_order_fails_for_a_reason(
    api: httpx2.Client, settled: Settled, change: Json, reason: str
) -> None:
    state = settled(place(api, {**ORDER, **change}))

    assert state["status"] == "failed"
    assert reason in state["reason"]
    assert [step["status"] for step in state["history"]] == ["pending", "processing", "failed"]


def test_one_idempotency_key_makes_one_order(api: httpx2.Client) -> None:
    key = str(uuid4())
    with ThreadPoolExecutor(max_workers=8) as clients:
        orders = set(clients.map(lambda _: place(api, ORDER, key), range(8)))

    assert len(orders) == 1
    assert orders == {place(api, ORDER, key)}


def test_one_idempotency_key_is_good_for_one_order_only(api: httpx2.Client) -> None:
    key = str(uuid4())
    place(api, ORDER, key)

    other = api.post(
        "/api/orders", json={**ORDER, "userId": "u2"}, headers={"idempotency-key": key}
    )

    assert_problem(other, 422)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"userId": "u1"},
        {**ORDER, "items": []},
        {**ORDER, "items": [{"sku": "book-1", "quantity": 0}]},
        {**ORDER, "items": [{"sku": "book-1", "quantity": "2"}]},
    ],
    ids=json.dumps,
)
def test_a_wrong_order_is_refused(api: httpx2.Client, body: Json) -> None:
    assert_problem(api.post("/api/orders", json=body), 400)


def test_a_field_that_the_contract_forbids_is_refused_by_its_name(api: httpx2.Client) -> None:
    refused = api.post("/api/orders", json={**ORDER, "discount": 100})

    assert "discount" in assert_problem(refused, 400)


def test_half_a_body_is_refused(api: httpx2.Client) -> None:
    response = api.post(
        "/api/orders", content='{"userId": ', headers={"content-type": "application/json"}
    )

    assert_problem(response, 400)


@pytest.mark.parametrize("path", ["", "/events"])
def test_an_unknown_order_is_a_problem(api: httpx2.Client, path: str) -> None:
    assert_problem(api.get(f"/api/orders/{uuid4()}{path}"), 404)


def test_an_order_can_be_followed(api: httpx2.Client) -> None:
    order_id = place(api, ORDER)

    # The stream ends by itself after the final status.
    with api.stream("GET", f"/api/orders/{order_id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line.startswith("data:")]

    states = [json.loads(line.removeprefix("data:")) for line in lines]
    statuses = [state["status"] for state in states]
    # Who comes a moment late gets the present state first, so the early ones may be missing.
    assert statuses == ["pending", "processing", "completed"][-len(statuses) :]
    assert states[-1] == api.get(f"/api/orders/{order_id}").json()

    again = api.get(f"/api/orders/{order_id}/events", headers={"last-event-id": "completed"})
    assert again.status_code == 204
