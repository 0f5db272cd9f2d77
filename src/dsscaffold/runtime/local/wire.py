"""What goes over the control socket, a line of JSON each: a request one way, events and an end the other.

JSON rather than pickles: whoever asks may be root, and the answer come from a user's process.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime import events
from dsscaffold.runtime.results import ServiceFailure

Verb = Literal["up", "restart", "down", "watch"]

_SENT = (
    events.Note,
    events.FetchStarted,
    events.FetchProgress,
    events.FetchDone,
    events.EnvironmentStarted,
    events.EnvironmentDone,
    events.ServiceChanged,
)
_TYPES = {kind.__name__: kind for kind in _SENT}


@dataclass(frozen=True)
class Request:
    """What is to be done with which services."""

    verb: Verb
    services: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """The end: the services that were changed, and what failed."""

    services: tuple[str, ...]
    failures: tuple[ServiceFailure, ...] = ()


Answer = events.Event | Done | DsscaffoldError


def write_request(request: Request) -> bytes:
    """Return the line of a request."""
    return _line({"verb": request.verb, "services": list(request.services)})


def read_request(line: bytes) -> Request:
    """Return what a line asks for."""
    data = json.loads(line)
    return Request(data["verb"], tuple(data["services"]))


def write_answer(answer: Answer) -> bytes:
    """Return the line of an event or of the end; nothing for an event that is not for others."""
    if isinstance(answer, DsscaffoldError):
        return _line({"error": [answer.message, answer.hint, answer.exit_code]})
    if isinstance(answer, Done):
        return _line({"done": list(answer.services), "failures": [_plain(failure) for failure in answer.failures]})
    if isinstance(answer, events.ServiceFailed):
        return _line({"failed": _plain(answer.failure)})
    if isinstance(answer, _SENT):
        return _line({"event": type(answer).__name__, "data": asdict(answer)})
    return b""


def read_answer(line: bytes) -> Answer:
    """Return what a line says."""
    data = json.loads(line)
    if "error" in data:
        return DsscaffoldError(*data["error"])
    if "done" in data:
        return Done(tuple(data["done"]), tuple(_failure(entry) for entry in data["failures"]))
    if "failed" in data:
        return events.ServiceFailed(_failure(data["failed"]))
    event: events.Event = _TYPES[data["event"]](**data["data"])
    return event


def _plain(failure: ServiceFailure) -> dict[str, Any]:
    return asdict(failure) | {"log_file": str(failure.log_file) if failure.log_file else None}


def _failure(data: dict[str, Any]) -> ServiceFailure:
    log = Path(data["log_file"]) if data["log_file"] else None
    return ServiceFailure(**data | {"log_file": log, "log_tail": tuple(data["log_tail"])})


def _line(data: object) -> bytes:
    return json.dumps(data).encode() + b"\n"
