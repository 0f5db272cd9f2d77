"""Every service under /api, from the outside: what it is asked, and the event that follows.

They are tested as dsscaffold has made them. A service that your team has given another API belongs
into OTHERS, and into a file of its own.
"""

from typing import Any

import httpx2
import pytest

from stack import assert_problem, open_services, wait_for

OTHERS: set[str] = set()

Json = dict[str, Any]


@pytest.fixture(params=[name for name in open_services() if name not in OTHERS])
def items(request: pytest.FixtureRequest) -> str:
    """The path of a service's items; a test that takes it runs for each service."""
    return f"/api/{request.param}/items"


def test_an_item_can_be_read_back_where_its_creation_says(api: httpx2.Client, items: str) -> None:
    created = api.post(items, json={"name": "Lamp", "description": "Brass"})

    assert created.status_code == 201, created.text
    path = created.headers["location"]
    assert path == f"{items}/{created.json()['id']}"
    item: Json = api.get(path).json()
    assert (item["name"], item["description"]) == ("Lamp", "Brass")
    assert api.delete(path).status_code == 204
    assert_problem(api.get(path), 404)


def test_the_event_of_an_item_reaches_its_handler(api: httpx2.Client, items: str) -> None:
    path = api.post(items, json={"name": "Lamp"}).headers["location"]

    def processed() -> bool:
        return bool(api.get(path).json()["processedAt"])

    wait_for(processed, f"{path} is processed")


def test_a_field_that_is_misspelt_is_refused_by_its_name(api: httpx2.Client, items: str) -> None:
    refused = api.post(items, json={"nmae": "Lamp"})

    assert "nmae" in assert_problem(refused, 422)


def test_what_a_service_does_not_have_is_a_problem(api: httpx2.Client, items: str) -> None:
    assert_problem(api.get(f"{items}-of-another-kind"), 404)
