from __future__ import annotations

import pickle
from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.runtime.events import Ready
from dsscaffold.runtime.results import (
    DownResult,
    ServiceFailure,
    ServiceStatus,
    StatusResult,
    Timings,
    UpResult,
)

ORDERS = ServiceStatus("orders", "service", "healthy", "http://127.0.0.1:21001", 42, 1, "2026-11-22T10:00:00.000Z")
STOPPED = ServiceStatus("kafka", "broker", "stopped")
FAILURE = ServiceFailure("kafka", "ended with code 1", Path("/r/kafka.log"), ("boom",))
STATUS = StatusResult(Path("/r"), "local", (ORDERS, STOPPED))
UP = UpResult(
    STATUS, Timings(2.00049, 1.0, 1.0, {"Kafka": 0.5}, {}, {"orders": 0.25}), 7, Path("/r/logs"), True, (FAILURE,)
)


def test_status_as_json() -> None:
    assert STATUS.to_json() == {
        "repo": "/r",
        "backend": "local",
        "services": [
            {
                "name": "orders",
                "kind": "service",
                "state": "healthy",
                "url": "http://127.0.0.1:21001",
                "pid": 42,
                "restarts": 1,
                "since": "2026-11-22T10:00:00.000Z",
            },
            {
                "name": "kafka",
                "kind": "broker",
                "state": "stopped",
                "url": None,
                "pid": None,
                "restarts": 0,
                "since": None,
            },
        ],
    }


def test_all_must_be_healthy_and_there_must_be_some() -> None:
    assert not STATUS.healthy
    assert StatusResult(Path("/r"), "local", (ORDERS,)).healthy
    assert not StatusResult(Path("/r"), "local", ()).healthy


def test_up_as_json() -> None:
    document = UP.to_json()
    assert document["seconds"] == {
        "total": 2.0,
        "prepare": 1.0,
        "start": 1.0,
        "fetch": {"Kafka": 0.5},
        "environments": {},
        "services": {"orders": 0.25},
    }
    assert document["failures"] == [
        {"service": "kafka", "reason": "ended with code 1", "cause": "", "logFile": "/r/kafka.log", "logTail": ["boom"]}
    ]
    assert not UP.ok
    assert UP.url("orders") == "http://127.0.0.1:21001"
    assert UP.url("none") is None


def test_down_as_json() -> None:
    assert DownResult(Path("/r"), True, False, 0.51234).to_json() == {
        "repo": "/r",
        "wasRunning": True,
        "volumesRemoved": False,
        "seconds": 0.512,
    }


def test_what_a_detached_supervisor_sends_arrives_whole() -> None:
    assert pickle.loads(pickle.dumps(Ready(UP))) == Ready(UP)
    error = pickle.loads(pickle.dumps(UsageError("wrong", "do this")))
    assert (type(error), error.message, error.hint, error.exit_code) == (UsageError, "wrong", "do this", 2)
