"""What a person at a terminal sees: a pseudo-terminal, real keys."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest


def _talk(work: Path, templates: Path, keys: bytes, *arguments: str) -> tuple[int, str]:
    """Run `new` on a terminal, type `keys` when the question stands there, and return (exit code, screen)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dsscaffold", "new", "demo", *arguments],
        cwd=work,
        env={**os.environ, "DSSCAFFOLD_TEMPLATES": str(templates), "TERM": "xterm", "COLUMNS": "100"},
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
            # The prompt asks where the cursor is, as it would ask any terminal.
            os.write(ours, b"\x1b[1;1R")
        if b"Make it?" in screen and keys:
            os.write(ours, keys)
            keys = b""
    os.close(ours)
    return process.wait(timeout=30), screen.decode(errors="replace")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_yes_makes_what_was_shown(work: Path, templates: Path) -> None:
    code, screen = _talk(work, templates, b"y")
    assert code == 0, screen
    assert "services/orders" in screen
    assert screen.index("services/orders") < screen.index("Make it?")
    assert (work / "demo" / "dsscaffold.yaml").is_file()


@pytest.mark.parametrize("keys", [b"n", b"\x03"], ids=["no", "ctrl-c"])
def test_no_makes_nothing(work: Path, templates: Path, keys: bytes) -> None:
    code, screen = _talk(work, templates, keys)
    assert code == 130, screen
    assert "Traceback" not in screen
    assert list(work.iterdir()) == []
