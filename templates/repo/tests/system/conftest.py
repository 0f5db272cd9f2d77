"""A client for the gateway of the running stack."""

from collections.abc import Iterator

import httpx2
import pytest

from openapi import OpenApi
from stack import gateway_url, open_services, wait_for

# Without a service that is open to the outside there is nothing to test there.
collect_ignore = [] if open_services() else ["test_open_services.py"]


@pytest.fixture(scope="session")
def ready() -> str:
    """The address of the gateway, once it is ready."""
    url = gateway_url()

    def is_ready() -> bool:
        try:
            return httpx2.get(f"{url}/health/ready", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    try:
        wait_for(is_ready, f"a gateway that is ready at {url}", seconds=30)
    except AssertionError as error:
        pytest.exit(f"{error}. Start the stack first: make up", returncode=1)
    return url


@pytest.fixture(scope="session")
def api(ready: str) -> Iterator[httpx2.Client]:
    """Calls the gateway; every answer is checked against its OpenAPI document."""
    document = httpx2.get(f"{ready}/docs/json", trust_env=False).raise_for_status().json()
    hooks = {"response": [OpenApi(document).check]}
    # Not through a proxy of the environment: the stack is on this machine as a rule.
    with httpx2.Client(base_url=ready, timeout=60, trust_env=False, event_hooks=hooks) as client:
        yield client
