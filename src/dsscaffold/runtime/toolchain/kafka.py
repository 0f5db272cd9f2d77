"""The jars of Kafka: there is no archive of the broker in any registry, but its jars are in Maven's."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.runtime.events import FetchProgress
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain import jgo_script
from dsscaffold.runtime.toolchain.cache import DATA, Fetchable
from dsscaffold.runtime.toolchain.download import Remote, download
from dsscaffold.runtime.toolchain.failures import FetchError, failed
from dsscaffold.runtime.toolchain.pypi import install_pinned

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsscaffold.runtime.toolchain.cache import Cache

TOOL = Fetchable("Kafka", "4.4.0", 36_000_000, "kafka-4.4.0.jars", portable=True)


@dataclass(frozen=True)
class Jar:
    """One pinned file of the Maven registry."""

    coordinate: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """Return the name that it has in our folder."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    @property
    def path(self) -> str:
        """Return where a Maven registry has it."""
        group, artifact, version = self.coordinate.split(":")
        return f"{group.replace('.', '/')}/{artifact}/{version}/{self.file}"


@dataclass(frozen=True)
class Kafka:
    """The jars that make up the class path, and `digest`, which changes when any of them does."""

    jars: tuple[Path, ...]
    version: str
    digest: str


def pinned_jars() -> tuple[Jar, ...]:
    """Return what the class path consists of."""
    lines = (DATA / TOOL.pins).read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return tuple(Jar(coordinate, sha256, int(size)) for coordinate, sha256, size in rows)


async def find_kafka(cache: Cache) -> Kafka:
    """Return the jars, fetched at the first call on a machine."""
    folder = await cache.get(TOOL, lambda target: _fetch(cache, target))
    return Kafka(tuple(folder / jar.file for jar in pinned_jars()), TOOL.version, TOOL.key.rpartition("-")[2])


async def _fetch(cache: Cache, target: Path) -> None:
    jgo = target / "jgo"
    await install_pinned(cache, "jgo.txt", jgo, "jgo, which knows where Kafka is,")
    jars = pinned_jars()
    files = await _locate(cache, jgo, jars)
    folder = await download(cache, files, _progress(cache, jars)) if files else None
    if folder:
        found = {jar.coordinate: folder / jar.file for jar in jars}
    else:
        found = await _fetch_by_jgo(cache, target, jgo, jars)
    for jar in jars:
        _take(jar, found[jar.coordinate], target)
    shutil.rmtree(jgo)
    shutil.rmtree(target / "repository", ignore_errors=True)


async def _locate(cache: Cache, jgo: Path, jars: tuple[Jar, ...]) -> list[Remote]:
    argv = (sys.executable, "-I", jgo_script.__file__, "locate", str(jgo))
    done = await cache.runner.run(Command(argv, jgo, cache.environ))
    if done.code != 0 or len(done.lines) != 1:
        return []
    return [Remote(jar.file, f"{done.lines[0]}/{jar.path}", jar.sha256, jar.size) for jar in jars]


async def _fetch_by_jgo(cache: Cache, target: Path, jgo: Path, jars: tuple[Jar, ...]) -> dict[str, Path]:
    """Have jgo fetch the jars, where our own client is refused."""
    sizes = {jar.coordinate: jar.size for jar in jars}
    found: dict[str, Path] = {}
    told = _progress(cache, jars)

    def progress(line: str) -> None:
        coordinate, _, path = line.partition("\t")
        if coordinate in sizes:
            found[coordinate] = Path(path)
            told(sum(sizes[name] for name in found))

    argv = (sys.executable, "-I", jgo_script.__file__, "fetch", str(jgo), str(target / "repository"), *sizes)
    done = await cache.runner.run(Command(argv, target, cache.environ), progress)
    if done.code != 0 or set(found) != set(sizes):
        hint = "It is fetched once, by jgo, with the proxy and certificate variables that requests knows."
        raise failed("Kafka could not be fetched", done.tail(), cache.folder, hint)
    return found


def _progress(cache: Cache, jars: tuple[Jar, ...]) -> Callable[[int], None]:
    size = sum(jar.size for jar in jars)
    return lambda done: cache.emit(FetchProgress(TOOL.name, done, size))


def _take(jar: Jar, path: Path, target: Path) -> None:
    if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
        raise FetchError(f"{jar.coordinate} is not the file that is pinned: its hash differs. Nothing of it was run.")
    path.rename(target / jar.file)
