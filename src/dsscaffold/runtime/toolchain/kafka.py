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
from dsscaffold.runtime.toolchain.failures import FetchError, failed
from dsscaffold.runtime.toolchain.pypi import install_pinned

if TYPE_CHECKING:
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
    jgo, repository = target / "jgo", target / "repository"
    await install_pinned(cache, "jgo.txt", jgo, "jgo, which fetches Kafka,")
    sizes = {jar.coordinate: jar.size for jar in pinned_jars()}
    found: dict[str, Path] = {}

    def progress(line: str) -> None:
        coordinate, _, path = line.partition("\t")
        if coordinate in sizes:
            found[coordinate] = Path(path)
            done = sum(sizes[name] for name in found)
            cache.emit(FetchProgress(TOOL.name, done, sum(sizes.values())))

    argv = (sys.executable, "-I", jgo_script.__file__, str(jgo), str(repository), *sizes)
    done = await cache.runner.run(Command(argv, target, cache.environ), progress)
    if done.code != 0 or set(found) != set(sizes):
        hint = "It is fetched once, by jgo, with the proxy and certificate variables that requests knows."
        raise failed("Kafka could not be fetched", done.tail(), cache.folder, hint)
    for jar in pinned_jars():
        _take(jar, found[jar.coordinate], target)
    shutil.rmtree(jgo)
    shutil.rmtree(repository)


def _take(jar: Jar, path: Path, target: Path) -> None:
    if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
        raise FetchError(f"{jar.coordinate} is not the file that is pinned: its hash differs. Nothing of it was run.")
    path.rename(target / jar.file)
