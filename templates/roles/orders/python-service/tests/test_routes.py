from datetime import UTC, datetime
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from app.domain.order import Item, Order, Status
from app.main import create_app
from app.wiring import orders
from tests.order_fakes import FakeOrders
from tests.test_app import ALONE

FIRST, SECOND, THIRD = (UUID(int=n) for n in (1, 2, 3))


def order(order_id: UUID, user_id: str, status: Status, reason: str | None = None) -> Order:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Order(order_id, user_id, (Item("book-1", 2),), None, status, reason, at)


@pytest.fixture
def client() -> TestClient:
    stored = FakeOrders(
        order(FIRST, "u1", Status.COMPLETED),
        order(SECOND, "u2", Status.PROCESSING),
        order(THIRD, "u1", Status.FAILED, "out of stock: out-of-stock"),
    )
    app = create_app(ALONE)
    app.dependency_overrides[orders] = lambda: stored
    return TestClient(app)


def test_gives_an_order(client: TestClient) -> None:
    answer = client.get(f"/orders/{FIRST}")
    assert answer.status_code == 200
    assert answer.json() == {
        "orderId": str(FIRST),
        "userId": "u1",
        "items": [{"sku": "book-1", "quantity": 2}],
        "status": "completed",
        "createdAt": "2026-01-02T00:00:00Z",
    }


def test_tells_why_an_order_failed(client: TestClient) -> None:
    assert client.get(f"/orders/{THIRD}").json()["reason"] == "out of stock: out-of-stock"


def test_an_unknown_order_is_not_found(client: TestClient) -> None:
    answer = client.get(f"/orders/{UUID(int=4)}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"userId": "u1"}, [THIRD, FIRST]),
        ({"userId": "u1", "limit": 1}, [THIRD]),
        ({"userId": "nobody"}, []),
        ({}, [THIRD, SECOND, FIRST]),
    ],
)
def test_lists_the_newest_orders_first(
    client: TestClient, query: dict[str, str | int], expected: list[UUID]
) -> None:
    answer = client.get("/orders", params=query)
    assert [order["orderId"] for order in answer.json()] == [str(id) for id in expected]


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_refuses_a_limit_that_makes_no_sense(client: TestClient, limit: str) -> None:
    assert client.get("/orders", params={"limit": limit}).status_code == 422
