"""How requests come to the supervisor: the socket, and what goes over it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.runtime.events import ServiceChanged
from dsscaffold.runtime.local.control import _socket_path
from dsscaffold.runtime.local.wire import Done, read_answer, write_answer
from dsscaffold.runtime.results import ServiceFailure


def test_the_socket_is_short_and_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("long-" * 30) / ("längër-" * 20)
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    path = _socket_path(deep)
    assert len(os.fsencode(path)) < 104
    assert path.parent.stat().st_mode & 0o077 == 0
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    path.unlink()


def test_what_goes_over_the_wire_arrives_whole() -> None:
    failure = ServiceFailure("a", "b", Path("/é"), ("x", "y"), "why")
    assert read_answer(write_answer(Done(("a",), (failure,)))) == Done(("a",), (failure,))
    changed = ServiceChanged("a", "service", "healthy", None, 1, "", 0.5)
    assert read_answer(write_answer(changed)) == changed
    error = read_answer(write_answer(UsageError("wrong", "so")))
    assert isinstance(error, DsscaffoldError)
    assert (error.message, error.hint, error.exit_code) == ("wrong", "so", 2)
