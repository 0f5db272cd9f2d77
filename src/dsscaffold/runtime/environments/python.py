"""A virtual environment per Python service, by uv."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.environments.stamp import stamp
from dsscaffold.runtime.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.environments.stamp import Stamp
    from dsscaffold.runtime.process import Runner


def python_bin(folder: Path) -> Path:
    """Return where the programs of a service's environment are."""
    return folder / ".venv" / "bin"


def python_is_current(folder: Path) -> bool:
    """Tell whether the environment in `folder` is the one that its requirements.txt asks for."""
    return _lock(folder).is_file() and (python_bin(folder) / "python").exists() and _stamp(folder).holds()


async def install_python(folder: Path, runner: Runner, environ: Mapping[str, str]) -> None:
    """Bring the environment of the service in `folder` in line with its requirements.txt.

    Raises:
        DsscaffoldError: there is no lock file, or uv fails.
    """
    from uv import find_uv_bin

    if not _lock(folder).is_file():
        raise DsscaffoldError(
            f"{_lock(folder)} is missing.", "It is the lock file of the service: restore it from git."
        )
    uv, python = find_uv_bin(), python_bin(folder) / "python"
    if not python.exists():
        # An environment whose interpreter is gone (an upgrade of the system's Python) is made anew.
        make = (uv, "venv", "--clear", "--no-project", "--quiet", "--python", sys.executable, str(folder / ".venv"))
        await _uv(make, folder, runner, environ)
    sync = (uv, "pip", "sync", "--require-hashes", "--compile-bytecode", "--quiet", "--python", str(python))
    await _uv((*sync, str(_lock(folder))), folder, runner, environ)
    _stamp(folder).write()


async def _uv(argv: tuple[str, ...], folder: Path, runner: Runner, environ: Mapping[str, str]) -> None:
    done = await runner.run(Command(argv, folder, environ))
    if done.code != 0:
        raise DsscaffoldError(
            f"The packages of {folder.name} could not be installed:\n{done.tail()}",
            f"By hand: cd {folder} && uv pip sync --python .venv/bin/python requirements.txt",
        )


def _lock(folder: Path) -> Path:
    return folder / "requirements.txt"


def _stamp(folder: Path) -> Stamp:
    return stamp(folder / ".venv", _lock(folder), f"{sys.implementation.cache_tag} {platform.machine()}")
