"""The whole app, with neither a database nor a broker to be reached."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.entrypoints import health
from app.entrypoints.consumers import ANNOUNCES, SUBSCRIPTIONS
from app.main import create_app
from app.settings import Settings

# Nobody listens on port 1, so every connection is refused at once.
ALONE = Settings(
    service_name="alone",
    database_url="postgresql://alone:alone@127.0.0.1:1/alone",
    broker_url="127.0.0.1:1",
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    # However slow the machine is, the reason is what the database says, not how long it took.
    monkeypatch.setattr(health, "CHECK_TIMEOUT", 300)
    with TestClient(create_app(ALONE)) as client:
        yield client


def test_is_alive(client: TestClient) -> None:
    answer = client.get("/health/live")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


def test_is_not_ready_and_says_why(client: TestClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    checks = answer.json()["checks"]
    assert {check["status"] for check in checks.values()} == {"unavailable"}
    assert checks["database"]["reason"].startswith("database:")


def test_runs_a_relay_and_a_consumer_only_where_they_have_work(client: TestClient) -> None:
    expected = {"database"}
    if ANNOUNCES:
        expected |= {"relay", "outbox"}
    if SUBSCRIPTIONS:
        expected.add("consumer")
    assert client.get("/health/ready").json()["checks"].keys() == expected
