"""A team's repository goes from one release of the templates to the next: it builds, its tests pass, and it runs.

What the merge makes of each edit is in tests/unit/life/test_history.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from uv import find_uv_bin

from ..patience import PATIENCE_S
from ..ports import free_port
from ..unit.life.history import INEVITABLE, PERSON, make_releases, make_repository, resolve
from .stack import Orders, Stack, check_exactly_once, dsscaffold


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The repository after the update, resolved and committed; not started."""
    folder = tmp_path_factory.mktemp("history")
    first, second = make_releases(folder)
    repo = folder / "demo"
    make_repository(repo, first)
    conflicts = _update(repo, second)["conflicts"]
    # Both sides' packages are in the lock files already, npm's and Python's.
    assert {conflict["path"] for conflict in conflicts} == INEVITABLE
    resolve(repo)
    _run(["git", "add", "--all"], repo)
    _run(["git", *PERSON, "commit", "--quiet", "--message", "Update"], repo)
    assert _update(repo, second)["changed"] is False
    stack = Stack(repo, free_port())
    try:
        yield stack
    finally:
        dsscaffold("down", "--volumes", cwd=repo)


def test_every_part_passes_its_formatter_linter_type_check_and_tests(stack: Stack) -> None:
    for lock in sorted(stack.repo.glob("*/*/requirements-dev.txt")):
        _install(lock)
    _run(["make", "--jobs=2", "lint", "test"], stack.repo)
    assert _run(["git", "status", "--porcelain"], stack.repo) == ""


def test_it_runs_with_what_both_sides_brought(stack: Stack) -> None:
    stack.up()
    stack.wait_healthy()
    orders = Orders(stack)

    async def crowd() -> None:
        await orders.place(5)
        await orders.finished()

    asyncio.run(crowd())
    check_exactly_once(stack, orders)
    with httpx.Client(base_url=stack.gateway, trust_env=False, timeout=PATIENCE_S) as client:
        greeted = client.get("/api/greetings/grace").json()
        assert greeted == {"text": "Hello, grace", "city": "New York", "validFor": "1m"}
        assert client.get("/api/directory/profiles/u1/card").json() == {"text": "Ada and Lovelace of London"}
        assert client.get("/api/about").json()["uptimeSeconds"] >= 0
        too_much = {"userId": "u1", "items": [{"sku": f"book-{number}", "quantity": 1000} for number in range(6)]}
        refused = client.post("/api/orders", json=too_much).raise_for_status()
        events = client.get(f"{refused.headers['location']}/events").text
        assert "too much at once: call sales" in events
    _run(["make", "test", "PART=tests/system"], stack.repo, GATEWAY_URL=stack.gateway)


def _update(repo: Path, templates: Path) -> dict[str, Any]:
    result = dsscaffold("update", "--templates", str(templates), "--json", cwd=repo)
    assert result.returncode in (0, 1), result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def _install(lock: Path) -> None:
    """Install a lock file where make does; uv takes seconds for it where pip takes a minute."""
    uv, python = find_uv_bin(), lock.parent / ".venv"
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(python)], lock.parent)
    _run([uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", lock.name], lock.parent)
    os.utime(python / "bin" / "ruff")


def _run(command: list[str], cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
