"""Where a generated repository is, and what `up` keeps in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from dsscaffold.project.location import find_project

#: What runs is found as what changes is.
find_repo = find_project


@dataclass(frozen=True)
class RunFolder:
    """The paths under `.dsscaffold/run`, which git ignores; nothing else in the repository changes by running."""

    repo: Path

    @property
    def root(self) -> Path:
        """The folder itself."""
        return self.repo / ".dsscaffold" / "run"

    @property
    def lock(self) -> Path:
        """Held for as long as a supervisor lives."""
        return self.root / "lock"

    @property
    def state(self) -> Path:
        """What runs, written at every change."""
        return self.root / "state.json"

    @property
    def control(self) -> Path:
        """Where the supervisor takes requests."""
        return self.root / "control"

    @property
    def packages_lock(self) -> Path:
        """Held while packages are installed."""
        return self.root / "packages.lock"

    @property
    def ports(self) -> Path:
        """The ports of the last run, to be taken again."""
        return self.root / "ports.json"

    @property
    def logs(self) -> Path:
        """One file a service."""
        return self.root / "logs"

    @property
    def data(self) -> Path:
        """One folder a server."""
        return self.root / "data"

    @property
    def cache(self) -> Path:
        """What may be deleted at any time."""
        return self.root / "cache"

    @property
    def mounts(self) -> Path:
        """What containers see as mounted folders, with the addresses of this machine; one folder a service."""
        return self.root / "mounts"

    @property
    def supervisor_log(self) -> Path:
        """What a detached supervisor prints: nothing, unless it has a defect."""
        return self.root / "supervisor.log"

    def log(self, service: str) -> Path:
        """Return the log file of a service."""
        return self.logs / f"{service}.log"

    def create(self) -> None:
        """Make the folders."""
        for folder in (self.logs, self.data, self.cache):
            folder.mkdir(parents=True, exist_ok=True)

    def remove_data(self) -> bool:
        """Remove what the servers stored; tell whether there was anything."""
        found = self.data.is_dir() and any(self.data.iterdir())
        shutil.rmtree(self.data, ignore_errors=True)
        return found
