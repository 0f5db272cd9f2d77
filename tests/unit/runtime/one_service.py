"""A repository of one Python service and a job that it waits for, and how to drive it."""

from __future__ import annotations

import json
from pathlib import Path

from dsscaffold.commands.up import run_up
from dsscaffold.runtime.events import Event
from dsscaffold.runtime.results import UpResult

COMPOSE = """
services:
  migrate:
    image: x
    restart: "no"
    x-local: {{runtime: python, command: [python, -c, "{migrate}"]}}
  orders:
    build: .
    restart: unless-stopped
    environment: {{PORT: "8000", NAME: orders, SELF_URL: "http://orders:8000", GRANDCHILD: "1"}}
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
    x-local: {{runtime: python, command: [python, -S, app.py]}}
"""


def detached(repo: Path, events: list[Event] | None = None) -> UpResult:
    return run_up(repo, on_event=(events if events is not None else []).append, detach=True)


def processes(repo: Path) -> list[int]:
    """Return the supervisor, its guard and all that it started."""
    state = json.loads((repo / ".dsscaffold/run/state.json").read_text())
    grandchild = int((repo / "grandchild").read_text())
    return [state["supervisor"]["pid"], grandchild, *(entry["pid"] for entry in state["processes"])]
