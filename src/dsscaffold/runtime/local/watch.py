"""Tell which services' source was edited."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """The folder of a service's source, and the folders whose content it follows by itself."""

    folder: Path
    mounted: tuple[Path, ...] = ()


Sources = Callable[[], Mapping[str, Source]]
OnEdit = Callable[[tuple[str, ...], str], Coroutine[object, object, None]]

#: Folders whose content no service loads, or that are written by a run and not by a person.
_IGNORED = {"node_modules", "__pycache__", "tests", "test", "dist", "build", "coverage", "htmlcov", "venv"}
_CODE = {".py", ".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".sql"}
_SUFFIXES = _CODE | {".json", ".toml", ".yaml", ".yml", ".env", ".txt"}
#: An editor writes a file in several steps and a formatter once more, and a branch is checked out file by file: all
#: that comes before it is quiet for so long is one edit.
_QUIET_SECONDS = 0.25
#: Something that writes without a pause is not waited for any longer.
_LONGEST_SECONDS = 2.0
_STEP_MS = 50
#: So often it is looked whether there are other folders to watch.
_LOOK_S = 2.0


class Watch:
    """Call `on_edit` with the services that a file is source of, and its path.

    No service at all: it was edited where one looks by itself.
    """

    def __init__(self, repo: Path, sources: Sources, on_edit: OnEdit) -> None:
        self._repo = repo
        self._sources = sources
        self._on_edit = on_edit
        #: The files that were edited and not yet told of, each with the services that it is source of.
        self._edited: dict[Path, tuple[str, ...]] = {}
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Watch for ever."""
        # An edit is not waited for: the next one may well be what makes the service start again.
        async with asyncio.TaskGroup() as edits:
            edits.create_task(self._tell(edits))
            while True:
                deep, flat = self._folders()
                stop = asyncio.Event()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._follow(deep, stop, recursive=True))
                    group.create_task(self._follow(flat, stop, recursive=False))
                    group.create_task(self._stop_when_others((deep, flat), stop))

    async def _tell(self, edits: asyncio.TaskGroup) -> None:
        while True:
            await self._news.wait()
            began = time.monotonic()
            while self._news.is_set() and time.monotonic() - began < _LONGEST_SECONDS:
                self._news.clear()
                await asyncio.sleep(_QUIET_SECONDS)
            self._news.clear()
            edited, self._edited = self._edited, {}
            names = tuple(sorted({name for owners in edited.values() for name in owners}))
            first = min(path for path, owners in edited.items() if owners or not names)
            edits.create_task(self._on_edit(names, os.path.relpath(first, self._repo)))

    async def _follow(self, folders: set[Path], stop: asyncio.Event, *, recursive: bool) -> None:
        from watchfiles import awatch

        if not folders:
            return
        changes = awatch(
            *folders,
            watch_filter=lambda _, path: Path(path) in folders or self._concerns(Path(path)),
            step=_STEP_MS,
            stop_event=stop,
            recursive=recursive,
            ignore_permission_denied=True,
        )
        # One that goes while the watch begins is looked for again.
        with contextlib.suppress(FileNotFoundError):
            async for found in changes:
                paths = {Path(path) for _, path in found}
                if paths & folders:
                    # It is gone, and with it the watch; one of the same name may be there by now.
                    stop.set()
                for path in paths - folders:
                    self._edited[path] = self._owners(path)
                    self._news.set()

    async def _stop_when_others(self, folders: tuple[set[Path], set[Path]], stop: asyncio.Event) -> None:
        while not stop.is_set() and self._folders() == folders:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_S)
        stop.set()

    def _folders(self) -> tuple[set[Path], set[Path]]:
        return watched_folders(source.folder for source in self._sources().values())

    def _concerns(self, path: Path) -> bool:
        return path.suffix in _SUFFIXES and any(is_source(path, source.folder) for source in self._sources().values())

    def _owners(self, path: Path) -> tuple[str, ...]:
        """Return the services that have to start again for a file."""
        return tuple(name for name, source in self._sources().items() if is_loaded(path, source))


def is_loaded(path: Path, source: Source) -> bool:
    """Tell whether a file is one that a service reads at its start alone: code, or what is not mounted into it."""
    mounted = path.suffix not in _CODE and any(map(path.is_relative_to, source.mounted))
    return is_source(path, source.folder) and not mounted


def is_source(path: Path, folder: Path) -> bool:
    """Tell whether a file is one that the service in `folder` may load."""
    if not path.is_relative_to(folder):
        return False
    # Relative, since the repository itself may lie in a folder of any name.
    return not any(map(_ignored, path.relative_to(folder).parts[:-1]))


def watched_folders(sources: Iterable[Path]) -> tuple[set[Path], set[Path]]:
    """Return the folders to watch with all below them, and those to watch alone.

    A service's own folder is of the second kind: below it are thousands of folders of packages, each of which would
    take a watch of the system's few.
    """
    flat = {source for source in sources if source.is_dir()}
    deep = {entry for source in flat for entry in _entries(source) if entry.is_dir() and not _ignored(entry.name)}
    return deep, flat


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:  # Gone since it was found.
        return []


def _ignored(name: str) -> bool:
    return name in _IGNORED or name.startswith(".")
