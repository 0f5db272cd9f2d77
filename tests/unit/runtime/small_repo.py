"""A small repository of real processes, in a folder whose name is not easy: two services and a job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from dsscaffold.commands.down import run_down
from dsscaffold.commands.status import run_status
from dsscaffold.commands.up import run_up
from dsscaffold.runtime.events import Event
from dsscaffold.runtime.results import ServiceStatus, UpResult

from ...patience import PATIENCE_S
from .conftest import APP

FOLDER = "my répo 日本"

SERVICE = """
services:
  {name}:
    build: .
    restart: unless-stopped
    environment: {{PORT: "8000", NAME: {name}, PEER_URL: "http://users:8000"}}
    depends_on: {needs}
    x-local: {{runtime: python, command: [python, -S, app.py], hung_after: {hung}}}
"""
JOB = """
services:
  migrate:
    image: x
    restart: "no"
    x-local: {runtime: python, command: [python, -c, "open('migrated', 'a').write('x')"]}
"""
ON_MIGRATE = "{migrate: {condition: service_completed_successfully}}"
ON_USERS = "{users: {condition: service_healthy}}"


class SmallRepo:
    """Drives the verbs, and reads what the services left behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        (root / "dsscaffold.yaml").write_text("version: 1\n")
        (root / "jobs").mkdir()
        (root / "jobs/compose.yaml").write_text(JOB)
        (root / "jobs/requirements.txt").write_text("# nothing\n")
        self.names: list[str] = []
        self.add("users", ON_MIGRATE)
        self.add("orders", ON_USERS)

    def add(self, name: str, needs: str = "[]", hung: str = "10s") -> None:
        """Add a service to compose.yaml."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        (folder / "app.py").write_text(APP)
        (folder / "requirements.txt").write_text("# nothing\n")
        (folder / "compose.yaml").write_text(SERVICE.format(name=name, needs=needs, hung=hung))
        self.names += [] if name in self.names else [name]
        self._include()

    def remove(self, name: str) -> None:
        """Take a service out of compose.yaml, and its folder away."""
        self.names.remove(name)
        shutil.rmtree(self.root / name)
        self._include()

    def _include(self) -> None:
        paths = ["jobs/compose.yaml", *(f"{known}/compose.yaml" for known in self.names)]
        (self.root / "compose.yaml").write_text(f"include: {json.dumps(paths)}\n")

    def up(self, *services: str, events: list[Event] | None = None) -> UpResult:
        hear = (events if events is not None else []).append
        return run_up(self.root, on_event=hear, detach=True, services=services)

    def states(self) -> dict[str, str]:
        return {service.name: service.state for service in run_status(self.root).services}

    def service(self, name: str) -> ServiceStatus:
        return next(service for service in run_status(self.root).services if service.name == name)

    def pid(self, name: str) -> int:
        pid = self.service(name).pid
        assert pid is not None
        return pid

    def is_anew(self, name: str, pid: int) -> bool:
        """Tell whether a service is healthy as another process; in one look, since it may be between the two."""
        service = self.service(name)
        return service.state == "healthy" and service.pid != pid

    def journal(self, name: str) -> list[str]:
        path = self.root / name / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def migrations(self) -> int:
        path = self.root / "jobs" / "migrated"
        return len(path.read_text()) if path.exists() else 0

    def call(self, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run the CLI as a process in the repository; `prefix` is what runs it, other than we are."""
        command = [*prefix, sys.executable, "-m", "dsscaffold", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    def down(self) -> None:
        run_down(self.root, volumes=True)
