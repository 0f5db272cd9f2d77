"""A virtual environment per Python service, by uv."""

from __future__ import annotations

import platform
import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.environments.stamp import stamp
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain.failures import failed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.environments.stamp import Stamp
    from dsscaffold.runtime.process import Completed, Runner


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
        make = ("venv", "--clear", "--no-project", "--quiet", "--python", sys.executable, str(folder / ".venv"))
        _check(await runner.run(Command((uv, *make), folder, environ)), folder)
    sync = ("pip", "sync", "--require-hashes", "--compile-bytecode", "--quiet", "--python", str(python))
    # The lock pins what is installed, so what uv has in its cache needs no question to the registry.
    command = Command((uv, *sync, "--offline", str(_lock(folder))), folder, environ)
    if (await runner.run(command)).code != 0:
        _check(await runner.run(replace(command, argv=(uv, *sync, str(_lock(folder))))), folder)
    _stamp(folder).write()


def _check(done: Completed, folder: Path) -> None:
    if done.code != 0:
        hint = f"By hand: cd {shlex.quote(str(folder))} && uv pip sync --python .venv/bin/python requirements.txt"
        raise failed(f"The packages of {folder.name} could not be installed", done.tail(), folder, hint)


def _lock(folder: Path) -> Path:
    return folder / "requirements.txt"


def _stamp(folder: Path) -> Stamp:
    return stamp(folder / ".venv", _lock(folder), f"{sys.implementation.cache_tag} {platform.machine()}")
