"""Folders to work in are gone at the end; those of a killed run go with the next."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from dsscaffold.templating.temporary import work_folder

from .project import Project


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_nothing_is_left_by_what_ends_by_itself(project: Project, temporary: Path) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    assert project.run("update", "--dry-run").returncode == 0
    assert project.run("diff").returncode == 0
    assert project.run("add-service", "alpha").returncode == 2
    assert project.run("update").returncode == 0
    assert list(temporary.iterdir()) == []


def test_what_a_killed_run_left_is_swept_and_what_is_in_use_stays(temporary: Path) -> None:
    child = os.fork()
    if child == 0:
        with work_folder() as folder:
            (folder / "file").write_text("left behind\n")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (dead,) = temporary.iterdir()
    other = temporary / "of somebody else"
    other.mkdir()
    with work_folder() as outer, work_folder() as inner:
        assert not dead.exists()
        assert sorted(temporary.iterdir()) == sorted([outer, inner, other])
    assert list(temporary.iterdir()) == [other]
