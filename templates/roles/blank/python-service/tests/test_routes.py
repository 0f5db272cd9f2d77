from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from app.application.item_events import ItemCreated
from app.main import create_app
from app.wiring import items, transactions
from tests.item_fakes import Desk, item
from tests.test_app import ALONE

FIRST, SECOND, THIRD, UNKNOWN = (UUID(int=n) for n in (1, 2, 3, 4))


@pytest.fixture
def desk() -> Desk:
    return Desk(item(2, "Chair"), item(3, "Table"), item(1, "Lamp"))


@pytest.fixture
def client(desk: Desk) -> TestClient:
    app = create_app(ALONE)
    app.dependency_overrides[items] = lambda: desk.items
    app.dependency_overrides[transactions] = lambda: desk
    return TestClient(app)


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [entry["name"] for entry in answer.json()]


def test_lists_page_by_page(client: TestClient) -> None:
    assert names(client.get("/items")) == ["Lamp", "Chair", "Table"]
    assert names(client.get("/items", params={"limit": 2})) == ["Lamp", "Chair"]
    assert names(client.get("/items", params={"limit": 2, "after": str(SECOND)})) == ["Table"]
    assert names(client.get("/items", params={"after": str(THIRD)})) == []


def test_a_page_goes_on_behind_an_item_that_is_gone(client: TestClient) -> None:
    client.delete(f"/items/{FIRST}")
    assert names(client.get("/items", params={"after": str(FIRST)})) == ["Chair", "Table"]


def test_creates_an_item_and_says_where_it_is(client: TestClient) -> None:
    answer = client.post("/items", json={"name": " Desk ", "description": "Oak"})
    assert answer.status_code == 201
    created = answer.json()
    assert answer.headers["location"] == f"/items/{created['id']}"
    assert created == {
        "id": created["id"],
        "name": "Desk",
        "description": "Oak",
        "createdAt": created["createdAt"],
        "processedAt": None,
    }
    assert client.get(answer.headers["location"]).json() == created


def test_announces_what_it_has_created(client: TestClient, desk: Desk) -> None:
    created = client.post("/items", json={"name": "Desk"}).json()
    assert desk.outbox.events == [ItemCreated(id=UUID(created["id"]), name="Desk")]


def test_replaces_an_item(client: TestClient) -> None:
    before = client.get(f"/items/{FIRST}").json()
    answer = client.put(f"/items/{FIRST}", json={"name": "Lantern", "description": "Brass"})
    assert answer.status_code == 200
    assert answer.json() == {**before, "name": "Lantern", "description": "Brass"}
    assert client.get(f"/items/{FIRST}").json() == answer.json()


def test_deletes_an_item(client: TestClient) -> None:
    answer = client.delete(f"/items/{FIRST}")
    assert answer.status_code == 204
    assert answer.content == b""
    assert client.get(f"/items/{FIRST}").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_item_is_not_found(client: TestClient, method: str) -> None:
    body = {"name": "Lamp"} if method == "PUT" else None
    answer = client.request(method, f"/items/{UNKNOWN}", json=body)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == f"no item {UNKNOWN}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "body.name: Field required"),
        ({"name": 7}, "body.name"),
        ({"name": "   "}, "body.name"),
        ({"name": "x" * 101}, "body.name"),
        ({"name": "nul \0"}, "body.name"),
        ({"name": "Lamp", "description": "x" * 1001}, "body.description"),
        ({"name": "Lamp", "descripton": "misspelt"}, "body.descripton"),
        ([], "body"),
    ],
)
def test_refuses_a_body_that_is_no_item(client: TestClient, body: Any, reason: str) -> None:
    answers = [client.post("/items", json=body), client.put(f"/items/{FIRST}", json=body)]
    for answer in answers:
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert reason in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/items?limit=0", "/items?limit=101", "/items?after=x", "/items/x"]
)
def test_refuses_a_request_that_makes_no_sense(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422
