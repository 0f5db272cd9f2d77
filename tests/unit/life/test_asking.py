"""A person at a terminal is asked before conflicts are left, and before a service goes: a terminal, real keys."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from ...patience import PATIENCE_S
from .project import Project


def _talk(project: Project, question: bytes, keys: bytes, *arguments: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dsscaffold", *arguments],
        cwd=project.path,
        env={**os.environ, "DSSCAFFOLD_TEMPLATES": str(project.templates), "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen = b""
    while chunk := _read(ours):
        screen += chunk
        if b"\x1b[6n" in chunk:
            os.write(ours, b"\x1b[1;1R")
        if question in screen and keys:
            os.write(ours, keys)
            keys = b""
    os.close(ours)
    return process.wait(timeout=PATIENCE_S), screen.decode(errors="replace")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""


@pytest.mark.parametrize(("keys", "code"), [(b"y", 1), (b"n", 130), (b"\x03", 130)], ids=["yes", "no", "ctrl-c"])
def test_conflicts_are_shown_before_they_are_made(project: Project, keys: bytes, code: int) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.template("gateway/run.sh", "true", "false")
    before = project.files()
    ended, screen = _talk(project, b"templates of dsscaffold 0.1.0?", keys, "update")
    assert ended == code, screen
    assert "gateway/src/app.ts" in screen
    assert screen.count(" gateway/run.sh") == 1, "the files are listed before the question, and not again"
    assert "Traceback" not in screen
    assert ("Nothing was changed." in screen) == (code == 130)
    assert (project.files() == before) == (code == 130)


def test_without_conflicts_nobody_is_asked(project: Project) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    ended, screen = _talk(project, b"?", b"", "update")
    assert ended == 0, screen
    assert "theirs\n" in project.read("gateway/src/app.ts")


@pytest.mark.parametrize(("keys", "gone"), [(b"y", True), (b"n", False)], ids=["yes", "no"])
def test_removing_a_service_asks(project: Project, keys: bytes, gone: bool) -> None:
    _, screen = _talk(project, b"Remove the service beta?", keys, "remove-service", "beta")
    assert "services/beta/app/main.py" in screen
    assert (project.path / "services/beta").exists() is not gone
