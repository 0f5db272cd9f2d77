"""A person at a terminal is asked before conflicts are left, and before a service goes: a terminal, real keys."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.change import Options

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
    screen, asked = b"", 0
    while chunk := _read(ours):
        screen += chunk
        # Where the cursor is: asked once, it may come in two pieces.
        while screen.count(b"\x1b[6n") > asked:
            os.write(ours, b"\x1b[1;1R")
            asked += 1
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


def test_dsscaffold_yaml_that_is_edited_while_it_asks_stays(project: Project) -> None:
    project.write("dsscaffold.yaml", project.read("dsscaffold.yaml") + "# before\n")
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    edited = project.read("dsscaffold.yaml") + "# meanwhile\n"
    with pytest.raises(DsscaffoldError, match=r"dsscaffold\.yaml has been edited meanwhile"):
        project.update(Options(confirm=lambda _: project.write("dsscaffold.yaml", edited)))
    assert project.read("dsscaffold.yaml") == edited
    assert "line 7\n" in project.read("gateway/src/app.ts")
    assert project.update().ok


def _tell_git(project: Project, arguments: list[str]) -> None:
    project.git(*arguments)


@pytest.mark.parametrize(
    ("meanwhile", "message"),
    [
        (["commit", "--quiet", "--allow-empty", "--message", "More"], "The branch has moved"),
        (["rm", "--quiet", "--cached", "gateway/run.sh"], "What is staged has changed"),
    ],
)
def test_what_git_is_told_while_it_asks_is_not_overrun(project: Project, meanwhile: list[str], message: str) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    with pytest.raises(DsscaffoldError, match=message):
        project.update(Options(confirm=lambda _: _tell_git(project, meanwhile)))
    assert "line 7\n" in project.read("gateway/src/app.ts")


def test_a_file_that_git_ignores_and_that_appears_while_it_asks_stays(project: Project) -> None:
    """Git itself writes over ignored files."""
    project.write("gateway/src/old/.env", "ours\n")
    project.git("add", "--force", "gateway/src/old/.env")
    project.commit()
    (project.templates / "gateway/src/old").rename(project.templates / "gateway/src/new")
    with pytest.raises(DsscaffoldError, match=r"gateway/src/new/\.env"):
        project.update(Options(confirm=lambda _: project.write("gateway/src/new/.env", "secret\n")))
    assert project.read("gateway/src/new/.env") == "secret\n"
