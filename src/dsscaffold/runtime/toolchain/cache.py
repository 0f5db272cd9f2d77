"""The folder that all repositories of a user share, and how a tool gets into it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sysconfig
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.runtime.events import FetchDone, FetchProgress, FetchStarted, Note
from dsscaffold.runtime.lock import acquire
from dsscaffold.runtime.toolchain import inventory
from dsscaffold.runtime.toolchain.failures import cannot_write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.process import Runner

DATA = Path(__file__).parent / "data"
_LOCK_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Fetchable:
    """A pinned tool: `size` is about what is transferred, `pins` the file whose hashes decide what is accepted."""

    name: str
    version: str
    size: int
    pins: str
    portable: bool = False

    @property
    def key(self) -> str:
        """Return the folder in the cache: another version, other hashes or another platform is another folder."""
        digest = hashlib.sha256((DATA / self.pins).read_bytes()).hexdigest()[:8]
        platform = "" if self.portable else f"-{sysconfig.get_platform()}"
        return f"{self.name.lower()}-{self.version}{platform}-{digest}"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the shared cache: DSSCAFFOLD_CACHE, or the usual place of the system."""
    if given := environ.get("DSSCAFFOLD_CACHE"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_cache_path

    usual = user_cache_path("dsscaffold")
    # A relative XDG_CACHE_HOME counts as none: it would be another cache in every folder.
    return usual if usual.is_absolute() else Path.home() / ".cache" / "dsscaffold"


@dataclass(frozen=True)
class Cache:
    """The shared folder, and what is needed to fill it. `environ` reaches uv and jgo whole: proxies, mirrors, CAs."""

    folder: Path
    runner: Runner
    emit: OnEvent
    environ: Mapping[str, str]

    async def get(self, tool: Fetchable, fill: Callable[[Path], Awaitable[None]]) -> Path:
        """Return the folder of `tool`; where it is missing or damaged, `fill` makes it, once for all who ask.

        It is made under another name and then renamed: a folder that is there was complete once.

        Raises:
            FetchError: it cannot be had, or there is no place to put it.
        """
        target = self.folder / tool.key
        if await asyncio.to_thread(self.holds, tool):
            return target
        try:
            async with self.locked(tool.key):
                if not await asyncio.to_thread(self.holds, tool):
                    await self._fetch(tool, target, fill)
        except OSError as error:
            raise cannot_write(f"{tool.name} {tool.version}", self.folder, error) from error
        return target

    def holds(self, tool: Fetchable) -> bool:
        """Tell whether `tool` is there, and whole. What nobody may look at, as in a cache of root's, is not."""
        target = self.folder / tool.key
        try:
            return target.is_dir() and not inventory.damage(target)
        except OSError:
            return False

    def progress(self, tool: Fetchable) -> Callable[[int], None]:
        """Return what takes how much of `tool` is there, in bytes, and passes it on."""
        return lambda done: self.emit(FetchProgress(tool.name, min(done, tool.size), tool.size))

    async def _fetch(self, tool: Fetchable, target: Path, fill: Callable[[Path], Awaitable[None]]) -> None:
        started = time.monotonic()
        if target.is_dir():
            problem = await asyncio.to_thread(inventory.damage, target)
            self.emit(Note(f"{tool.name} in the cache is damaged ({problem}); it is fetched again."))
        self.emit(FetchStarted(tool.name, tool.version, tool.size))
        await self._make(target, fill)
        self.emit(FetchDone(tool.name, tool.version, tool.size, time.monotonic() - started))

    @asynccontextmanager
    async def locked(self, key: str) -> AsyncIterator[None]:
        """Hold the lock of `key`, against other processes too."""
        locks = self.folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        async with locked(locks / key):
            yield

    async def _make(self, target: Path, fill: Callable[[Path], Awaitable[None]]) -> None:
        prefix = f".{target.name}."
        for stale in self.folder.glob(f"{prefix}*"):
            # We hold the lock, so whoever was at this one is gone.
            shutil.rmtree(stale, ignore_errors=True)
        temporary = self.folder / f"{prefix}{uuid.uuid4().hex[:8]}"
        temporary.mkdir()
        try:
            await fill(temporary)
            await asyncio.to_thread(inventory.take, temporary)
            if target.is_dir():
                target.rename(temporary.with_name(f"{prefix}damaged"))
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(temporary.with_name(f"{prefix}damaged"), ignore_errors=True)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock at `path`; wait for as long as another process has it."""
    while (lock := acquire(path, text=f"{os.getpid()}\n")) is None:
        await asyncio.sleep(_LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()
