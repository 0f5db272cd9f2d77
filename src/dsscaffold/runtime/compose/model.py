"""What `up --local` knows of a compose.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from dsscaffold.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]
RestartMode = Literal["no", "always", "on-failure", "unless-stopped"]
Runtime = Literal["python", "node", "postgres"]
Server = Literal["postgres", "kafka"]

CONDITIONS = cast("tuple[Condition, ...]", get_args(Condition))
RESTART_MODES = cast("tuple[RestartMode, ...]", get_args(RestartMode))
RUNTIMES = cast("tuple[Runtime, ...]", get_args(Runtime))
SERVERS = cast("tuple[Server, ...]", get_args(Server))


@dataclass(frozen=True)
class Dependency:
    """A service that must be there first."""

    service: str
    condition: Condition = "service_started"
    required: bool = True


@dataclass(frozen=True)
class PublishedPort:
    """A container port that is to be reached at a given port of the host."""

    published: int
    target: int


@dataclass(frozen=True)
class Mount:
    """A folder of the repository that a container sees, read-only, as `target`."""

    source: Path
    target: str


@dataclass(frozen=True)
class Restart:
    """What to do when a process ends; `limit` bounds the restarts of `on-failure`."""

    mode: RestartMode = "no"
    limit: int | None = None


NO_RESTART = Restart()

#: Seconds of silence after which a process counts as hung.
HUNG_AFTER = 10.0
#: Seconds of silence after which a process that was not healthy yet counts as hung; a health check may give it more.
START_WITHIN = 60.0


@dataclass(frozen=True)
class Local:
    """The `x-local` key: a server of our own, or a command under a language's runtime.

    After `hung_after` seconds without any answer a process is started again, and after `start_within` where it was not
    healthy yet; 0: never. Without a `start_within` of its own, a service has that of its health check.
    """

    server: Server | None = None
    runtime: Runtime | None = None
    command: tuple[str, ...] = ()
    ignore: frozenset[str] = frozenset()
    hung_after: float = HUNG_AFTER
    start_within: float | None = None


@dataclass(frozen=True)
class ComposeService:
    """One service; `where` names file and line for errors, `folder` is where its command runs."""

    name: str
    where: str
    folder: Path
    local: Local
    environment: Mapping[str, str]
    depends_on: tuple[Dependency, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    restart: Restart = NO_RESTART
    stop_grace: float = 10.0
    stop_signal: str = "SIGTERM"
    command: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    start_within: float = START_WITHIN

    def error(self, message: str, hint: str | None = None) -> UsageError:
        """Return an error that starts with the file and line."""
        return UsageError(f"{self.where}: {message}", hint)


@dataclass(frozen=True)
class ComposeProject:
    """All services that run locally, in the order they are written, and what a person should be told."""

    root: Path
    services: Mapping[str, ComposeService]
    warnings: tuple[str, ...] = ()
