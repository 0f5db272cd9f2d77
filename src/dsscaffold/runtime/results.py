"""What the verbs that run a repository return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Kind = Literal["gateway", "service", "broker", "database", "job"]
State = Literal["starting", "healthy", "unhealthy", "restarting", "exited", "stopped"]


@dataclass(frozen=True)
class ServiceStatus:
    """One process at one moment; `since` is when it came into this state, as ISO 8601 in UTC.

    `detail` says why it is not healthy, where that is known.
    """

    name: str
    kind: Kind
    state: State
    url: str | None = None
    pid: int | None = None
    restarts: int = 0
    since: str | None = None
    detail: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the entry of `status --json`; `detail` is there only where there is one."""
        return {
            "name": self.name,
            "kind": self.kind,
            "state": self.state,
            "url": self.url,
            "pid": self.pid,
            "restarts": self.restarts,
            "since": self.since,
            **({"detail": self.detail} if self.detail else {}),
        }


@dataclass(frozen=True)
class StatusResult:
    """All services of a repository; jobs that did their work are not among them."""

    repo: Path
    backend: str
    services: tuple[ServiceStatus, ...]

    @property
    def healthy(self) -> bool:
        """Tell whether everything runs and is healthy."""
        return bool(self.services) and all(service.state == "healthy" for service in self.services)

    def to_json(self) -> dict[str, object]:
        """Return the document of `status --json`."""
        services = [service.to_json() for service in self.services]
        return {"repo": str(self.repo), "backend": self.backend, "services": services}


_ORDER = ("gateway", "service", "job", "broker", "database")


def in_order(services: Iterable[ServiceStatus]) -> tuple[ServiceStatus, ...]:
    """Return services as people read them: what they call first, what it all stands on last."""
    return tuple(sorted(services, key=lambda service: (_ORDER.index(service.kind), service.name)))


@dataclass(frozen=True)
class ServiceFailure:
    """Why a service did not become healthy, the last lines that it logged, and their meaning where it is known."""

    service: str
    reason: str
    log_file: Path | None = None
    log_tail: tuple[str, ...] = ()
    cause: str = ""

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "service": self.service,
            "reason": self.reason,
            "cause": self.cause,
            "logFile": str(self.log_file) if self.log_file else None,
            "logTail": list(self.log_tail),
        }


@dataclass(frozen=True)
class Timings:
    """Where the seconds of an `up` went.

    `fetch`, `environments` and `services` name what took the time; their entries overlap, since all is done in
    parallel. A service's seconds run from the start of its process until it was healthy.
    """

    total: float = 0.0
    prepare: float = 0.0
    start: float = 0.0
    fetch: Mapping[str, float] = field(default_factory=dict)
    environments: Mapping[str, float] = field(default_factory=dict)
    services: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class UpResult:
    """What `up` reached: at the moment when all was healthy or had failed.

    `pid` is the supervisor's. `interrupted` tells that a person or a signal ended it before that moment.
    """

    status: StatusResult
    timings: Timings
    pid: int
    logs: Path
    detached: bool
    failures: tuple[ServiceFailure, ...] = ()
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Tell whether everything became healthy."""
        return not self.failures and not self.interrupted

    def url(self, service: str) -> str | None:
        """Return the address of a service."""
        return next((found.url for found in self.status.services if found.name == service), None)

    def to_json(self) -> dict[str, object]:
        """Return plain data: the document of `status --json`, and what is known of the start."""
        timings = self.timings
        seconds = {
            "total": round(timings.total, 3),
            "prepare": round(timings.prepare, 3),
            "start": round(timings.start, 3),
            "fetch": _rounded(timings.fetch),
            "environments": _rounded(timings.environments),
            "services": _rounded(timings.services),
        }
        return {
            **self.status.to_json(),
            "pid": self.pid,
            "detached": self.detached,
            "seconds": seconds,
            "failures": [failure.to_json() for failure in self.failures],
        }


@dataclass(frozen=True)
class DownResult:
    """What `down` stopped; `was_running` is false when there was nothing to stop."""

    repo: Path
    was_running: bool
    volumes_removed: bool
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "repo": str(self.repo),
            "wasRunning": self.was_running,
            "volumesRemoved": self.volumes_removed,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class FetchResult:
    """What `fetch` fetched into which cache; what was there already is not in it."""

    cache: Path
    tools: Mapping[str, float]
    environments: Mapping[str, float]
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return plain data, the seconds that each took."""
        return {
            "cache": str(self.cache),
            "tools": _rounded(self.tools),
            "environments": _rounded(self.environments),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class ChangeResult:
    """What became of single services of a repository that runs; `status` has all of them."""

    services: tuple[str, ...]
    status: StatusResult
    seconds: float
    failures: tuple[ServiceFailure, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether it worked."""
        return not self.failures

    def to_json(self) -> dict[str, object]:
        """Return plain data: the document of `status --json`, and what was done."""
        return {
            **self.status.to_json(),
            "changed": list(self.services),
            "seconds": round(self.seconds, 3),
            "failures": [failure.to_json() for failure in self.failures],
        }


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()}
