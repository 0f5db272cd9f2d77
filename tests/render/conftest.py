"""Rendered repositories, and the tools that their own checks need, fetched as users get them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

from dsscaffold.commands.new import run_new
from dsscaffold.project.catalogue import find_templates, load_catalogue
from dsscaffold.project.manifest import Manifest
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain import Node, Toolchain
from dsscaffold.runtime.toolchain.cache import Cache, cache_folder

from ..patience import PATIENCE_S
from .combinations import COMBINATIONS

Check = Callable[..., None]

#: What is fetched comes from a network, which may fail for a moment.
RETRIES = {"npm_config_fetch_retries": "6", "UV_HTTP_RETRIES": "6"}


@pytest.fixture(scope="session")
def repos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every combination, rendered, by name."""
    parent = tmp_path_factory.mktemp("render")
    catalogue = load_catalogue(find_templates(None))
    for manifest in COMBINATIONS:
        run_new(manifest, catalogue, parent / manifest.name, use_git=False)
    return {manifest.name: parent / manifest.name for manifest in COMBINATIONS}


@pytest.fixture(params=COMBINATIONS, ids=lambda manifest: manifest.name)
def repo(request: pytest.FixtureRequest, repos: dict[str, Path]) -> Path:
    """One rendered repository; a test that takes it runs for each combination."""
    manifest: Manifest = request.param
    return repos[manifest.name]


def run_check(folder: Path, *command: str, **environment: str) -> None:
    """Run a tool in `folder`; what it prints is the message when it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MYPY", "RUFF"))}
    result = subprocess.run(
        command,
        cwd=folder,
        env={**RETRIES, **kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
    )
    assert result.returncode == 0, f"{' '.join(command)} in {folder}:\n{result.stdout}\n{result.stderr}"


@pytest.fixture(scope="session")
def node() -> Node:
    """Node.js as `up` takes it."""

    runner = Runner()

    async def find() -> Node:
        return await Toolchain(Cache(cache_folder(os.environ), runner, lambda _: None, os.environ)).node()

    try:
        return asyncio.run(find())
    finally:
        runner.close()


@pytest.fixture(scope="session")
def npm(node: Node) -> Check:
    """Run npm in a folder."""
    path = f"{node.bin}{os.pathsep}{os.environ['PATH']}"
    return lambda folder, *arguments: run_check(folder, str(node.bin / "npm"), *arguments, PATH=path)


@pytest.fixture(scope="session")
def node_modules(repos: dict[str, Path], npm: Check, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the gateway; its lock file is the same in every combination."""
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes((repos["shop"] / "gateway" / name).read_bytes())
    npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    return folder / "node_modules"


@pytest.fixture(scope="session")
def python(repos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the packages of the services; their lock files are the same too."""
    folder = tmp_path_factory.mktemp("python")
    lock = repos["shop"] / "services" / "orders" / "requirements-dev.txt"
    run_check(folder, find_uv_bin(), "venv", "--quiet", "--python", sys.executable, "venv")
    environment = str(folder / "venv" / "bin" / "python")
    run_check(folder, find_uv_bin(), "pip", "sync", "--quiet", "--require-hashes", "--python", environment, str(lock))
    return folder / "venv" / "bin"
