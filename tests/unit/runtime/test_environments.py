from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.environments.node import install_node, node_is_current
from dsscaffold.runtime.environments.python import install_python, python_is_current
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain import Node

LOCK = {
    "": {"name": "gateway"},
    "node_modules/fastify": {"version": "5.0.0"},
    "node_modules/biome": {"version": "2.0.0", "dev": True},
    "node_modules/fsevents": {"version": "2.3.3", "optional": True},
}


@pytest.fixture
def lock(tmp_path: Path) -> Callable[[str, dict[str, object]], None]:
    def write(name: str, packages: dict[str, object]) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))

    return write


Write = Callable[[str, dict[str, object]], None]
INSTALLED = "node_modules/.package-lock.json"


@pytest.mark.parametrize(
    ("installed", "current"),
    [
        ({"node_modules/fastify": {"version": "5.0.0"}, "node_modules/biome": {"version": "2.0.0"}}, True),
        ({"node_modules/fastify": {"version": "5.0.0"}}, True),
        ({"node_modules/fastify": {"version": "5.0.0"}, "node_modules/mine": {"version": "1.0.0"}}, True),
        ({"node_modules/fastify": {"version": "5.0.1"}}, False),
        ({}, False),
    ],
)
def test_node_modules_against_the_lock(
    lock: Write, tmp_path: Path, installed: dict[str, object], current: bool
) -> None:
    lock("package-lock.json", dict(LOCK))
    lock(INSTALLED, installed)
    assert node_is_current(tmp_path) is current


def test_node_modules_that_are_missing_or_broken(lock: Write, tmp_path: Path) -> None:
    assert not node_is_current(tmp_path)
    lock("package-lock.json", dict(LOCK))
    assert not node_is_current(tmp_path)
    lock(INSTALLED, {})
    (tmp_path / INSTALLED).write_text("{")
    assert not node_is_current(tmp_path)
    lock("package-lock.json", {"": {}})
    assert node_is_current(tmp_path)


def run(work: Callable[[Runner], Awaitable[None]]) -> None:
    async def main() -> None:
        runner = Runner()
        try:
            await work(runner)
        finally:
            runner.close()

    asyncio.run(main())


@pytest.mark.parametrize("install", [install_python, lambda *a: install_node(a[0], Node(Path("/bin"), "24"), *a[1:])])
def test_a_lock_file_that_is_missing(tmp_path: Path, install: Callable[..., Awaitable[None]]) -> None:
    with pytest.raises(DsscaffoldError, match=r"(requirements\.txt|package-lock\.json) is missing"):
        run(lambda runner: install(tmp_path, runner, dict(os.environ)))


def test_npm_that_fails_shows_its_last_lines(lock: Write, tmp_path: Path) -> None:
    lock("package-lock.json", dict(LOCK))
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho first; echo no network >&2; exit 1\n")
    npm.chmod(0o755)
    with pytest.raises(DsscaffoldError, match=r"could not be installed:\nfirst\nno network"):
        run(lambda runner: install_node(tmp_path, Node(tmp_path, "24"), runner, dict(os.environ)))


def test_an_environment_is_current_until_its_lock_or_its_interpreter_changes(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing\n")
    assert not python_is_current(tmp_path)
    run(lambda runner: install_python(tmp_path, runner, dict(os.environ)))
    assert python_is_current(tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    assert python.resolve() == Path(sys.executable).resolve()

    requirements.write_text("# nothing more\n")
    assert not python_is_current(tmp_path)
    requirements.write_text("# nothing\n")
    python.unlink()
    python.symlink_to("/no/such/python")
    assert not python_is_current(tmp_path)
    run(lambda runner: install_python(tmp_path, runner, dict(os.environ)))
    assert python_is_current(tmp_path)
