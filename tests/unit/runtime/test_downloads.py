"""Downloads that are cut off or killed go on where they were, and nothing wrong is ever installed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.process_table import lives
from dsscaffold.runtime.toolchain.cache import Cache, Fetchable
from dsscaffold.runtime.toolchain.download import Remote, download
from dsscaffold.runtime.toolchain.failures import FetchError
from dsscaffold.runtime.toolchain.pypi import install_pinned

from ...patience import PATIENCE_S
from .namespaces import run_with_mounts
from .registry import WHEEL, Registry

Wait = Callable[..., None]

#: Fetches the wheel of the test's own index into a cache, as the tools are fetched.
FETCH = """
import asyncio, os, sys
from pathlib import Path
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain.cache import Cache, Fetchable
from dsscaffold.runtime.toolchain.pypi import install_pinned

async def main():
    runner = Runner()
    cache = Cache(Path(sys.argv[1]), runner, lambda event: None, os.environ)
    tool = Fetchable("Tool", "1.0", 1000, sys.argv[2])
    try:
        print(await cache.get(tool, lambda target: install_pinned(cache, sys.argv[2], target, "Tool")))
    finally:
        runner.close()

asyncio.run(main())
"""


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.close()


class Machine:
    """Fetches the wheel of a registry."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.cache = folder / "cache"
        self.pins = folder / "pins.txt"
        self.pins.write_text(registry.pin)
        self.environ = registry.environ(folder)
        self.heard: list[int] = []
        self._registry = registry

    def fetch(self, leaves: tuple[str, ...] = ()) -> Path:
        async def fill(cache: Cache, target: Path) -> None:
            await install_pinned(cache, str(self.pins), target, "Tool", self.heard.append)

        async def main() -> Path:
            runner = Runner()
            cache = Cache(self.cache, runner, lambda _: None, self.environ)
            try:
                return await cache.get(
                    Fetchable("Tool", "1.0", 1000, str(self.pins)), lambda target: fill(cache, target)
                )
            finally:
                runner.close()

        folder = asyncio.run(main())
        assert (folder / "slowpoke.py").stat().st_size == 400_000
        assert self.left() == list(leaves)
        return folder

    def left(self) -> list[str]:
        return sorted(path.name for path in (self.cache / ".downloads").iterdir())


@pytest.fixture
def machine(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("dsscaffold.runtime.toolchain.download._PAUSE_SECONDS", 0.01)
    return Machine(tmp_path, registry)


def test_a_download_that_is_cut_goes_on_from_there(machine: Machine, registry: Registry) -> None:
    registry.cuts = [100_000, 50_000]
    machine.fetch()
    assert registry.ranges() == ["", "bytes=100000-", "bytes=150000-"]
    assert {asked.if_range for asked in registry.asked if asked.range} == {'"one"'}
    assert machine.heard == sorted(machine.heard)
    assert machine.heard[-1] == len(registry.wheel)


def test_one_that_is_cut_again_and_again_fails_and_the_next_fetch_goes_on(machine: Machine, registry: Registry) -> None:
    registry.cuts = [100_000] + [0] * 6
    with pytest.raises(FetchError, match=r"cut off\. 0\.1 MB are kept") as cut:
        machine.fetch()
    assert not cut.value.offline
    assert machine.left() == [f"{registry.sha256}.part", f"{registry.sha256}.version"]
    registry.cuts.clear()
    registry.asked.clear()
    machine.fetch()
    assert registry.ranges() == ["bytes=100000-"]


def test_a_kill_in_the_middle_of_a_download_leaves_what_the_next_one_goes_on_from(
    machine: Machine, registry: Registry, wait_until: Wait
) -> None:
    registry.cuts = [100_000]
    registry.go_on.clear()
    part = machine.cache / ".downloads" / f"{registry.sha256}.part"
    command = [sys.executable, "-c", FETCH, str(machine.cache), str(machine.pins)]
    with subprocess.Popen(command, env=machine.environ, stdout=subprocess.PIPE, start_new_session=True) as fetching:
        assert registry.sent.wait(PATIENCE_S)
        wait_until(lambda: part.is_file() and part.stat().st_size == 100_000, "what was sent is there")
        children = psutil.Process(fetching.pid).children(recursive=True)
        os.kill(fetching.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(lives, children)))
    assert [path for path in machine.cache.iterdir() if not path.name.startswith((".", "locks"))] == []
    assert list(Path(machine.environ["TMPDIR"]).iterdir()) == [], "what is half there lies in the cache"
    registry.go_on.set()
    registry.asked.clear()
    folder = machine.fetch()
    assert registry.ranges() == ["bytes=100000-"]
    assert sorted(path.name for path in machine.cache.iterdir()) == sorted([".downloads", "locks", folder.name])


def test_a_server_that_knows_no_ranges(machine: Machine, registry: Registry) -> None:
    registry.knows_ranges = False
    registry.cuts = [100_000]
    machine.fetch()
    assert registry.ranges() == ["", "bytes=100000-"]


def test_another_version_on_the_server_is_fetched_whole(machine: Machine, registry: Registry) -> None:
    registry.cuts = [100_000] + [0] * 6
    with pytest.raises(FetchError):
        machine.fetch()
    registry.cuts.clear()
    registry.tag = '"two"'
    # Whoever mixed the two versions would have to fetch a third time.
    registry.asked.clear()
    machine.fetch()
    assert registry.ranges() == ["bytes=100000-"]


@pytest.mark.parametrize("length", [50_000, None, 500_000])
def test_a_part_that_turns_out_wrong_is_thrown_away_and_all_of_it_fetched(
    machine: Machine, registry: Registry, length: int | None
) -> None:
    length = len(registry.wheel) if length is None else length
    (machine.cache / ".downloads").mkdir(parents=True)
    (machine.cache / ".downloads" / f"{registry.sha256}.part").write_bytes(b"x" * length)
    machine.fetch()
    assert registry.ranges() == [f"bytes={length}-", ""]


def test_one_that_was_whole_and_not_yet_installed_is_not_fetched_again(machine: Machine, registry: Registry) -> None:
    (machine.cache / ".downloads").mkdir(parents=True)
    (machine.cache / ".downloads" / WHEEL).write_bytes(registry.wheel)
    machine.fetch()
    assert registry.ranges() == []


def test_a_file_that_is_not_the_pinned_one_is_refused(machine: Machine, registry: Registry) -> None:
    registry.wheel = b"evil" + registry.wheel[4:]
    with pytest.raises(FetchError, match="is not the file that is pinned"):
        machine.fetch()
    assert machine.left() == []
    assert [path.name for path in machine.cache.iterdir() if path.name not in ("locks", ".downloads")] == []


@pytest.mark.parametrize("size", [0, 10**9])
def test_a_file_of_a_size_that_is_not_known_or_wrong(tmp_path: Path, registry: Registry, size: int) -> None:
    """The hash decides, and the server knows where its file ends."""
    file = Remote(WHEEL, f"{registry.root}/{WHEEL}", registry.sha256, size)

    async def fetch() -> None:
        runner = Runner()
        try:
            await download(Cache(tmp_path, runner, lambda _: None, os.environ), [file])
        finally:
            runner.close()

    asyncio.run(fetch())
    assert (tmp_path / ".downloads" / WHEEL).read_bytes() == registry.wheel


def test_what_nobody_came_back_for_goes(machine: Machine) -> None:
    old, young = (machine.cache / ".downloads" / name for name in ("0.part", "1.part"))
    old.parent.mkdir(parents=True)
    for part in (old, young):
        part.write_bytes(b"x")
    os.utime(old, (1, 1))
    machine.fetch(leaves=("1.part",))


def test_a_disk_that_fills_up_in_the_middle_is_named(tmp_path: Path, registry: Registry) -> None:
    """On a disk of its own, in a mount namespace that goes away with the process."""
    pins = tmp_path / "pins.txt"
    pins.write_text(registry.pin)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=256k none "$1" && exec "$PYTHON" -c "$2" "$1" "$3"'
    done = run_with_mounts(script, disk, FETCH, pins, env=registry.environ(tmp_path))
    assert done.returncode != 0
    assert f"The disk that holds {disk} is full" in done.stderr
