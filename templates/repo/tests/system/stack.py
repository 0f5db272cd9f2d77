"""The stack under test: where its gateway is, and how to wait for what it does later."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx2

REPO = Path(__file__).parents[2]

T = TypeVar("T")


def gateway_url() -> str:
    """Give GATEWAY_URL, or else this machine with the port that compose.yaml publishes."""
    if url := os.environ.get("GATEWAY_URL"):
        return url.rstrip("/")
    port = os.environ.get("GATEWAY_PORT") or _env_file().get("GATEWAY_PORT") or "3000"
    return f"http://localhost:{port}"


def open_services() -> list[str]:
    """Give the names of the services that the gateway opens to the outside, each under /api."""
    lines = (REPO / "gateway" / "proxied" / "services.txt").read_text().splitlines()
    return [line.split()[0].removeprefix("/api/") for line in lines if line.startswith("/api/")]


def wait_for(condition: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """Give the first value of `condition` that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def assert_problem(response: httpx2.Response, status: int) -> str:
    """Check that an error has the form of RFC 9457, and give its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    path = response.request.url.raw_path.decode()
    # A service behind the gateway does not know of the /api/<service> before its own path.
    assert problem["instance"] in {path, f"/{path.split('/', 3)[-1]}"}
    detail: str = problem["detail"]
    assert detail
    return detail


def _env_file() -> dict[str, str]:
    path = REPO / ".env"
    lines = path.read_text().splitlines() if path.is_file() else []
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip(" \"'") for name, _, value in pairs}
