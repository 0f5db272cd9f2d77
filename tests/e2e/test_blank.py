"""The preset `blank` for real: the whole life of an item through the gateway, and its event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..patience import PATIENCE_S
from ..ports import free_port
from .stack import Stack, dsscaffold, wait_for


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "team", free_port())
    result = dsscaffold("new", "team", "--preset", "blank", "--yes", "--up", "--port", str(stack.port), cwd=tmp_path)
    try:
        assert result.returncode == 0, result.stdout + result.stderr
        assert f"curl http://localhost:{stack.port}/api/notes/items" in result.stdout
        yield stack
    finally:
        stack.down("--volumes")


def test_an_item_through_the_gateway(stack: Stack) -> None:
    with httpx.Client(base_url=stack.gateway, trust_env=False, timeout=PATIENCE_S) as client:
        created = client.post("/api/notes/items", json={"name": "Lamp"})
        assert created.status_code == 201
        path = created.headers["location"]
        item = client.get(path).json()
        assert item["name"] == "Lamp"

        def processed() -> str | None:
            answer: dict[str, str | None] = client.get(path).json()
            return answer["processedAt"]

        wait_for(processed, "the processing of an item")
        assert client.put(path, json={"name": "Lantern", "description": "Brass"}).json()["name"] == "Lantern"
        assert [entry["name"] for entry in client.get("/api/notes/items").json()] == ["Lantern"]
        assert client.get("/api/notes/items", params={"after": item["id"]}).json() == []
        assert client.post("/api/notes/items", json={"nmae": "Lamp"}).status_code == 422
        assert client.delete(path).status_code == 204
        assert client.get(path).status_code == 404

    assert [(kind, data["id"]) for _, kind, data in stack.topic("notes")] == [("item.created", item["id"])]
    assert [row["consumer"] for row in stack.rows("notes", "SELECT consumer FROM inbox")] == ["notes"]
    replayed = dsscaffold("replay", "notes", cwd=stack.repo)
    assert (replayed.returncode, replayed.stdout) == (0, "No dead letter of notes waits.\n")


def test_the_gateway_says_when_a_service_is_gone_and_finds_it_again(stack: Stack) -> None:
    with httpx.Client(base_url=stack.gateway, trust_env=False, timeout=PATIENCE_S) as client:
        # Without its code it does not come back before somebody has looked.
        code = stack.repo / "services" / "notes" / "app"
        code.rename(code.with_name("away"))
        before = stack.look()
        stack.kill("notes")
        gone = wait_for(lambda: _problem(client.get("/api/notes/items")), "the problem of a service that is gone")
        assert gone["status"] == 502
        assert client.get("/health/ready").status_code == 200
        code.with_name("away").rename(code)
        # The gateway may know of it before the supervisor does, by whom it is healthy until then.
        stack.wait_restarted("notes", before)
        stack.wait_healthy()
        assert client.get("/api/notes/items").json() == []


def _problem(answer: httpx.Response) -> dict[str, object] | None:
    if not answer.headers["content-type"].startswith("application/problem+json"):
        return None
    document: dict[str, object] = answer.json()
    return document
