"""What happens while a repository is started, run and stopped; `render` shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsscaffold.runtime.results import Kind, ServiceFailure, State, UpResult


@dataclass(frozen=True)
class Note:
    """Something that a person should be told."""

    text: str


@dataclass(frozen=True)
class FetchStarted:
    """A tool that the machine lacks is being fetched; `size` is about what will be transferred, in bytes."""

    tool: str
    version: str
    size: int


@dataclass(frozen=True)
class FetchProgress:
    """So many bytes of a tool are there."""

    tool: str
    done: int
    size: int


@dataclass(frozen=True)
class FetchDone:
    """A tool is in the cache."""

    tool: str
    version: str
    size: int
    seconds: float


@dataclass(frozen=True)
class EnvironmentStarted:
    """The packages of a service are being installed."""

    service: str


@dataclass(frozen=True)
class EnvironmentDone:
    """The packages of a service are installed."""

    service: str
    seconds: float


@dataclass(frozen=True)
class ServiceChanged:
    """A service came into another state.

    `detail` says why it is in it, if that is known. `seconds` is set when it becomes healthy: the time from the
    start of its process.
    """

    service: str
    kind: Kind
    state: State
    url: str | None
    restarts: int
    detail: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class ServiceFailed:
    """A service did not become healthy. It may go on trying; what has started stays up."""

    failure: ServiceFailure


@dataclass(frozen=True)
class Ready:
    """Everything is healthy, or has failed: the start is over.

    In the foreground this one event comes from a thread of its own, so that its receiver may take its time (send a
    first order) while the services are supervised. Log lines follow only after it has returned.
    """

    result: UpResult


@dataclass(frozen=True)
class LogLine:
    """One line of a service's output."""

    service: str
    line: str


@dataclass(frozen=True)
class Stopping:
    """Everything is being stopped."""

    reason: str


Event = (
    Note
    | FetchStarted
    | FetchProgress
    | FetchDone
    | EnvironmentStarted
    | EnvironmentDone
    | ServiceChanged
    | ServiceFailed
    | Ready
    | LogLine
    | Stopping
)
OnEvent = Callable[[Event], None]
