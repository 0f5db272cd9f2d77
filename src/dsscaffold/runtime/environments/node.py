"""The packages of a Node.js service, by npm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.environments.stamp import stamp
from dsscaffold.runtime.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.environments.stamp import Stamp
    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.toolchain import Node


def node_is_current(folder: Path, node: Node) -> bool:
    """Tell whether node_modules in `folder` is the one that its package-lock.json asks for."""
    return _lock(folder).is_file() and _stamp(folder, node).holds()


async def install_node(folder: Path, node: Node, runner: Runner, environ: Mapping[str, str]) -> None:
    """Bring node_modules in `folder` in line with package-lock.json; no package's install script is run.

    Raises:
        DsscaffoldError: there is no lock file, or npm fails.
    """
    if not _lock(folder).is_file():
        raise DsscaffoldError(
            f"{_lock(folder)} is missing.", "It is the lock file of the service: restore it from git."
        )
    argv = (str(node.bin / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress")
    env = {**environ, "PATH": f"{node.bin}:{environ.get('PATH', '')}", "NO_UPDATE_NOTIFIER": "1"}
    # Development packages too, whatever the shell says: the service's own tests need them.
    env.pop("NODE_ENV", None)
    done = await runner.run(Command(argv, folder, env))
    if done.code != 0:
        raise DsscaffoldError(
            f"The packages of {folder.name} could not be installed:\n{done.tail()}",
            f"By hand: cd {folder} && npm ci --ignore-scripts",
        )
    # npm makes no folder where there is nothing to install.
    (folder / "node_modules").mkdir(exist_ok=True)
    _stamp(folder, node).write()


def _lock(folder: Path) -> Path:
    return folder / "package-lock.json"


def _stamp(folder: Path, node: Node) -> Stamp:
    return stamp(folder / "node_modules", _lock(folder), f"node {node.version}")
