"""`up --watch`: what was edited starts again, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from dsscaffold.commands.restart import run_restart
from dsscaffold.commands.up import run_up
from dsscaffold.runtime.events import Event, Note
from dsscaffold.runtime.local.watch import Source, Watch, is_loaded, is_source, watched_folders

from ...patience import PATIENCE_S
from .small_repo import FOLDER, ON_USERS, SmallRepo

Wait = Callable[..., None]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallRepo]:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    # A repository may lie in a folder of a name that is not watched inside a service.
    (tmp_path / "tests").mkdir()
    repo = SmallRepo(tmp_path / "tests" / FOLDER)
    repo.add("orders")
    (repo.root / "orders/tests").mkdir()
    (repo.root / "orders/lib").mkdir()
    run_up(repo.root, on_event=lambda _: None, detach=True, watch=True)
    yield repo
    repo.down()


def supervisor(repo: SmallRepo) -> int:
    pid: int = json.loads((repo.root / ".dsscaffold/run/state.json").read_text())["supervisor"]["pid"]
    return pid


@contextlib.contextmanager
def unseen(repo: SmallRepo) -> Iterator[None]:
    """Stop the supervisor meanwhile: however long edits take, of which one is several steps too, they come at once."""
    pid = supervisor(repo)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def watches(repo: SmallRepo, folders: int = 3) -> bool:
    """Tell whether the supervisor has asked the system to watch all folders of source."""
    folder = Path(f"/proc/{supervisor(repo)}/fdinfo")
    if not folder.is_dir():
        return True
    found = ""
    for entry in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += entry.read_text()
    return found.count("inotify wd:") >= folders


def test_an_edit_starts_the_edited_service_again_and_no_other(repo: SmallRepo, wait_until: Wait) -> None:
    users, orders = repo.pid("users"), repo.pid("orders")
    wait_until(lambda: watches(repo), "the watch begins")
    with unseen(repo):
        (repo.root / "orders/tests/test_it.py").write_text("x = 1\n")
        (repo.root / "orders/lib/notes.md").write_text("no source\n")
        (repo.root / "orders/lib/code.py").write_text("x = 1\n")
    wait_until(lambda: repo.is_anew("orders", orders), "orders starts again")
    assert repo.pid("users") == users
    assert repo.journal("orders") == ["start orders", "stop orders", "start orders"]

    # A mistake, and its correction: the second edit is not kept waiting by what the first one broke.
    again = repo.pid("orders")
    app = repo.root / "orders/app.py"
    whole = app.read_text()
    app.write_text("def broken(:\n")
    wait_until(lambda: repo.states()["orders"] in ("restarting", "starting"), "the mistake shows")
    app.write_text(whole)
    wait_until(lambda: repo.is_anew("orders", again), "orders is well again")
    assert repo.pid("users") == users


def test_two_edits_in_a_row_start_it_again_once(repo: SmallRepo, wait_until: Wait) -> None:
    """Of files that are watched apart: one beside the code, one in a folder of it."""
    first = repo.pid("orders")
    wait_until(lambda: watches(repo), "the watch begins")
    with unseen(repo):
        (repo.root / "orders/lib/code.py").write_text("x = 1\n")
        (repo.root / "orders/settings.py").write_text("x = 1\n")
        (repo.root / "orders/lib/code.py").write_text("x = 2\n")
    wait_until(lambda: repo.is_anew("orders", first), "orders starts again")
    second = repo.pid("orders")
    # The next edit is the next start: none is still to come from those before.
    with unseen(repo):
        (repo.root / "orders/lib/code.py").write_text("x = 3\n")
    wait_until(lambda: repo.is_anew("orders", second), "once more")
    assert repo.journal("orders") == ["start orders", "stop orders"] * 2 + ["start orders"]
    assert repo.service("orders").restarts == 0


def test_up_watch_makes_what_runs_already_watch(repo: SmallRepo, wait_until: Wait) -> None:
    repo.down()
    running = repo.up()
    pid = repo.pid("orders")
    asked = [repo.call("up", "--watch") for _ in range(2)]
    assert [said.returncode for said in asked] == [0, 0], asked[0].stdout + asked[0].stderr
    assert f"Process {running.pid} runs this repository, and from now on" in " ".join(asked[0].stdout.split())
    assert repo.pid("orders") == pid
    wait_until(lambda: watches(repo), "the watch begins")
    (repo.root / "orders/app.py").touch()
    wait_until(lambda: repo.is_anew("orders", pid), "orders starts again")
    # Asked for twice, it watches once.
    assert repo.journal("orders")[-3:] == ["start orders", "stop orders", "start orders"]


def test_what_a_service_follows_by_itself_is_renewed_and_starts_nothing_again(
    repo: SmallRepo, wait_until: Wait
) -> None:
    repo.down()
    folder = repo.root / "orders"
    (folder / "routes").mkdir()
    (folder / "routes/list.txt").touch()
    compose = folder / "compose.yaml"
    text = compose.read_text().replace("PORT:", "ROUTES: /srv/routes/list.txt, PORT:")
    compose.write_text(text.replace("x-local", "volumes: ['./routes:/srv/routes:ro']\n    x-local"))
    run_up(repo.root, on_event=lambda _: None, detach=True, watch=True)
    orders, users = repo.pid("orders"), repo.service("users")
    copy = Path(psutil.Process(orders).environ()["ROUTES"])
    wait_until(lambda: watches(repo, folders=4), "the watch begins")

    (folder / "routes/list.txt").write_text("users http://users:8000\n")
    wait_until(lambda: copy.read_text() == f"users {users.url}\n", "the copy is renewed")

    # The next edit is of source, and the only one that starts it again.
    with unseen(repo):
        (folder / "lib/code.py").write_text("x = 1\n")
    wait_until(lambda: repo.is_anew("orders", orders), "orders starts again")
    assert repo.journal("orders")[-3:] == ["start orders", "stop orders", "start orders"]
    assert repo.journal("orders").count("start orders") == 3
    assert repo.service("users") == users


def test_up_watch_of_a_service_brings_it_in_and_watches(repo: SmallRepo, wait_until: Wait) -> None:
    repo.down()
    repo.up("users")
    result = run_up(repo.root, on_event=lambda _: None, services=("orders",), watch=True)
    assert result.ok
    pid = repo.pid("orders")
    wait_until(lambda: watches(repo), "the watch begins")
    (repo.root / "orders/app.py").touch()
    wait_until(lambda: repo.is_anew("orders", pid), "orders starts again")


def test_what_is_edited_while_its_service_starts_again_is_not_overlooked(repo: SmallRepo, wait_until: Wait) -> None:
    """Of two that start again, the first to be stopped stays so until the other has ended, too."""
    repo.down()
    repo.add("orders", ON_USERS)
    compose = repo.root / "users/compose.yaml"
    text = compose.read_text().replace("PORT:", "STUBBORN: '1', PORT:")
    compose.write_text(text.replace("build: .", f"build: .\n    stop_grace_period: {PATIENCE_S}s"))
    run_up(repo.root, on_event=lambda _: None, detach=True, watch=True)
    users, orders = repo.pid("users"), repo.pid("orders")
    wait_until(lambda: watches(repo), "the watch begins")
    heard: list[Event] = []
    restart = partial(run_restart, repo.root, ("users", "orders"), on_event=heard.append)
    restarting = threading.Thread(target=restart, daemon=True)
    restarting.start()
    try:
        wait_until(lambda: repo.states()["orders"] == "stopped", "orders is stopped")
        (repo.root / "orders/lib/code.py").touch()
        edit = Note("orders/lib/code.py has changed; started again: orders.")
        wait_until(lambda: edit in heard, "the edit is seen")
    finally:
        os.kill(users, signal.SIGKILL)
    restarting.join(PATIENCE_S)
    wait_until(lambda: repo.is_anew("orders", orders), "orders has started again")
    # At the end nobody waits for what does not want to stop: the guard ends all.
    os.kill(supervisor(repo), signal.SIGKILL)


async def until(condition: Callable[[], object], act: Callable[[], object] = lambda: None) -> None:
    """Do something again and again until a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            act()
            await asyncio.sleep(0.01)


def test_what_is_edited_before_it_is_quiet_is_one_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsscaffold.runtime.local.watch._QUIET_SECONDS", 2.0)
    monkeypatch.setattr("dsscaffold.runtime.local.watch._LONGEST_SECONDS", PATIENCE_S)
    sources = {name: Source(tmp_path / name) for name in ("orders", "users")}
    for source in sources.values():
        source.folder.mkdir()
    told: list[tuple[tuple[str, ...], str]] = []

    async def hear(names: tuple[str, ...], what: str) -> None:
        told.append((names, what))

    async def main() -> None:
        watch = Watch(tmp_path, lambda: sources, hear)
        watching = asyncio.create_task(watch.run())
        orders, users = (source.folder / "app.py" for source in sources.values())
        await until(lambda: orders in watch._edited, orders.touch)
        await until(lambda: users in watch._edited, users.touch)
        assert told == []
        await until(lambda: told)
        watching.cancel()

    asyncio.run(main())
    assert told == [(("orders", "users"), "orders/app.py")]


def test_a_folder_that_is_replaced_is_watched_as_before(tmp_path: Path) -> None:
    """As when a branch is checked out and left at once: what is watched is a folder that is not there any more."""
    source = Source(tmp_path / "orders")
    app, later = source.folder / "app", source.folder / "app" / "later.py"
    app.mkdir(parents=True)
    told: list[str] = []

    async def hear(_: tuple[str, ...], what: str) -> None:
        told.append(what)

    async def main() -> None:
        watch = Watch(tmp_path, lambda: {"orders": source}, hear)
        watching = asyncio.create_task(watch.run())
        await until(lambda: "orders/app/main.py" in told, (app / "main.py").touch)
        shutil.rmtree(app)
        app.mkdir()
        await until(lambda: "orders/app/later.py" in told, later.touch)
        watching.cancel()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("app/main.py", True),
        ("migrations/001.sql", True),
        ("app/tests/test_main.py", False),
        ("node_modules/x/index.js", False),
        (".venv/lib/x.py", False),
        ("app/__pycache__/main.py", False),
    ],
)
def test_what_is_source(tmp_path: Path, path: str, wanted: bool) -> None:
    folder = tmp_path / "node_modules" / "service"
    assert is_source(folder / path, folder) is wanted
    assert not is_source(tmp_path / path, folder)


def test_what_is_mounted_is_followed_and_code_is_loaded(tmp_path: Path) -> None:
    source = Source(tmp_path, (tmp_path / "proxied",))
    assert not is_loaded(tmp_path / "proxied/services.txt", source)
    assert is_loaded(tmp_path / "proxied/routes.js", source)
    assert is_loaded(tmp_path / "settings.txt", source)


def test_the_thousands_of_folders_of_packages_are_not_watched(tmp_path: Path) -> None:
    for name in ("src", "node_modules/a", ".venv", "tests", "migrations"):
        (tmp_path / name).mkdir(parents=True)
    deep, flat = watched_folders([tmp_path, tmp_path / "gone"])
    assert deep == {tmp_path / "src", tmp_path / "migrations"}
    assert flat == {tmp_path}
