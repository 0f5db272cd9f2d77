"""A project to live with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .project import Project, make_project, person


@pytest.fixture(autouse=True)
def _person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_", "DSSCAFFOLD_"))]:
        monkeypatch.delenv(name)
    for name, value in person(tmp_path / "home").items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A committed project with the blank services alpha and beta."""
    return make_project(tmp_path)
