import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from app.application.broker import Unavailable
from app.entrypoints import problems


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    problems.install(app)

    @app.get("/things/{number}")
    async def thing(number: int) -> None:
        errors: dict[int, Exception] = {
            0: HTTPException(404, "no thing 0"),
            1: Unavailable("database: no answer"),
        }
        raise errors.get(number, ArithmeticError("secret"))

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "title", "detail"),
    [
        ("/things/0", 404, "Not Found", "no thing 0"),
        ("/nothing", 404, "Not Found", "Not Found"),
        ("/things/1", 503, "Service Unavailable", "database: no answer"),
        ("/things/2", 500, "Internal Server Error", "an unexpected error occurred"),
    ],
)
def test_errors_are_problems(
    client: TestClient, path: str, status: int, title: str, detail: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": path,
    }


def test_a_request_that_does_not_fit_says_where(client: TestClient) -> None:
    answer = client.get("/things/x")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "path.number" in answer.json()["detail"]


def test_an_outage_says_when_to_come_back(client: TestClient) -> None:
    assert client.get("/things/1").headers["retry-after"] == "1"
