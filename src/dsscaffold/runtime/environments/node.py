"""The packages of a Node.js service, by npm."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain.failures import failed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.toolchain import Node


def node_is_current(folder: Path) -> bool:
    """Tell whether node_modules in `folder` has what its package-lock.json asks for, whoever installed it.

    npm leaves a lock file of its own in there, at the very end of an installation. Packages that only development
    needs may be missing, and optional ones are for other platforms.
    """
    wanted = _packages(_lock(folder))
    if wanted is None:
        return False
    installed = _packages(folder / "node_modules" / ".package-lock.json") or {}
    return all(
        package.get("version") == installed.get(path, {}).get("version")
        for path, package in wanted.items()
        if path and not (package.get("dev") or package.get("optional") or package.get("devOptional"))
    )


async def install_node(folder: Path, node: Node, runner: Runner, environ: Mapping[str, str]) -> None:
    """Bring node_modules in `folder` in line with package-lock.json; no package's install script is run.

    Raises:
        DsscaffoldError: there is no lock file, or npm fails.
    """
    if not _lock(folder).is_file():
        raise DsscaffoldError(
            f"{_lock(folder)} is missing.", "It is the lock file of the service: restore it from git."
        )
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--prefer-offline")
    # By itself npm waits for 70 s before it says that there is no network.
    retries = ("--fetch-retries=3", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=5000")
    argv = (str(node.bin / "npm"), "ci", *options, *retries)
    env = {**environ, "PATH": f"{node.bin}:{environ.get('PATH', '')}", "NO_UPDATE_NOTIFIER": "1"}
    # Development packages too, whatever the shell says: the service's own tests need them.
    env.pop("NODE_ENV", None)
    done = await runner.run(Command(argv, folder, env))
    if done.code != 0:
        hint = f"By hand: cd {shlex.quote(str(folder))} && npm ci --ignore-scripts"
        raise failed(f"The packages of {folder.name} could not be installed", done.tail(), folder, hint)


def _packages(lock: Path) -> dict[str, dict[str, object]] | None:
    try:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return packages if isinstance(packages, dict) else None


def _lock(folder: Path) -> Path:
    return folder / "package-lock.json"
