"""Services that come and go while the stack runs: the gateway learns of them, and nothing else notices."""

from __future__ import annotations

from typing import Any

import httpx

from .stack import Stack, dsscaffold, wait_for

Untouched = dict[str, tuple[int, int]]


def change(stack: Stack, *arguments: str) -> None:
    """Change the repository by a verb, and commit it, as a team does."""
    result = dsscaffold(*arguments, "--commit", cwd=stack.repo)
    assert result.returncode == 0, result.stdout + result.stderr


def up(stack: Stack, *arguments: str) -> dict[str, Any]:
    result = dsscaffold("up", *arguments, cwd=stack.repo)
    assert result.returncode == 0, result.stdout + result.stderr
    return stack.wait_healthy()


def lives(status: dict[str, Any], *, without: str = "") -> Untouched:
    """What is another one after a restart, of every service."""
    return {name: (entry["pid"], entry["restarts"]) for name, entry in status.items() if name not in ("exit", without)}


def answers(stack: Stack, path: str, status: int) -> httpx.Response:
    """Wait until the gateway answers a path with a status: it looks for changes twice a second."""

    def answered() -> httpx.Response | None:
        response = stack.get(path)
        return response if response.status_code == status else None

    return wait_for(answered, f"{status} for {path}")


def test_a_service_that_is_added_answers_through_the_gateway_and_nothing_restarts(stack: Stack) -> None:
    # Also where edits start a service again: the list of services lies in the gateway's folder.
    before = up(stack, "--watch")
    assert answers(stack, "/api/payments/items", 404).headers["content-type"].startswith("application/problem+json")

    change(stack, "add-service", "payments", "--lang", "python")
    after = up(stack, "payments")

    assert answers(stack, "/api/payments/items", 200).json() == []
    assert lives(after, without="payments") == lives(before)
    assert {restarts for _, restarts in lives(after).values()} == {0}
    assert "payments" in stack.get("/metrics").text


def test_it_passes_its_own_tests_and_those_of_the_running_stack(stack: Stack) -> None:
    for part in ("services/payments", "tests/system"):
        result = stack.make("lint", "test", f"PART={part}")
        assert result.returncode == 0, result.stdout + result.stderr
    assert stack.rows("payments", "SELECT 1 FROM items"), "the system tests have not asked the new service"


def test_a_service_that_is_renamed_is_found_under_its_new_name_alone(stack: Stack) -> None:
    before = stack.wait_healthy()

    change(stack, "rename-service", "payments", "billing")
    after = up(stack)

    assert answers(stack, "/api/billing/items", 200)
    assert answers(stack, "/api/payments/items", 404)
    assert "payments" not in after
    assert lives(after, without="billing") == lives(before, without="payments")


def test_a_service_that_is_removed_is_stopped_and_its_route_is_gone(stack: Stack) -> None:
    before = stack.wait_healthy()

    change(stack, "remove-service", "billing", "--yes")
    after = up(stack)

    gone = answers(stack, "/api/billing/items", 404)
    assert gone.headers["content-type"].startswith("application/problem+json")
    assert gone.json()["detail"] == "There is no GET /api/billing/items"
    assert lives(after) == lives(before, without="billing")
    assert "billing" not in stack.get("/metrics").text


def test_a_list_of_services_that_is_wrong_leaves_the_routes_as_they_are(stack: Stack) -> None:
    change(stack, "add-service", "notes", "--lang", "python")
    up(stack)
    answers(stack, "/api/notes/items", 200)
    services = stack.repo / "gateway" / "proxied" / "services.txt"
    text = services.read_text()

    services.write_text(text.replace("/api/notes ", "/notes "))
    try:
        before = stack.look()
        up(stack)
        told = wait_for(
            lambda: [line for line in _log(stack) if "the routes to services stay as they were" in line],
            "an error in the log of the gateway",
        )
        assert len(told) == 1
        assert answers(stack, "/api/notes/items", 200)
        assert lives(stack.look()) == lives(before)
    finally:
        services.write_text(text)


def _log(stack: Stack) -> list[str]:
    return dsscaffold("logs", "gateway", "--tail", "50", cwd=stack.repo).stdout.splitlines()
