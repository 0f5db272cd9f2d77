"""One rendered repository for the module that asks for it, started once and taken down at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..ports import free_port
from .stack import Stack, dsscaffold


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The default preset, running."""
    # People have folders of such names.
    parent: Path = tmp_path_factory.mktemp("e2e") / "à côté 日本"
    parent.mkdir()
    result = dsscaffold("new", "demo", "--yes", cwd=parent)
    assert result.returncode == 0, result.stderr
    stack = Stack(parent / "demo", free_port())
    try:
        stack.up()
        yield stack
    finally:
        dsscaffold("down", "--volumes", cwd=stack.repo)
