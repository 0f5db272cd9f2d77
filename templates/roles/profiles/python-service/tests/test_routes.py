import pytest
from fastapi.testclient import TestClient

from app.domain.profile import Profile
from app.main import create_app
from app.wiring import profiles
from tests.test_app import ALONE


class FakeProfiles:
    def __init__(self, *stored: Profile) -> None:
        self._stored = {profile.user_id: profile for profile in stored}

    async def get(self, user_id: str) -> Profile | None:
        return self._stored.get(user_id)


@pytest.fixture
def client() -> TestClient:
    app = create_app(ALONE)
    stored = FakeProfiles(Profile("u1", "Ada Lovelace", "ada@example.com", "London"))
    app.dependency_overrides[profiles] = lambda: stored
    return TestClient(app)


def test_gives_a_profile(client: TestClient) -> None:
    answer = client.get("/profiles/u1")
    assert answer.status_code == 200
    assert answer.json() == {
        "userId": "u1",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "city": "London",
    }


def test_an_unknown_user_is_not_found(client: TestClient) -> None:
    answer = client.get("/profiles/nobody")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "no profile nobody"
