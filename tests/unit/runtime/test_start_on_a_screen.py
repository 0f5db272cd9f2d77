"""What a person sees while services start: a real terminal, real processes, and the screen at the end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..screen import Screen
from .conftest import wait_until
from .small_repo import ON_USERS, SmallRepo

LONG = "a-service-with-a-name-of-many-characters"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallRepo]:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    repo = SmallRepo(tmp_path / "shop")
    yield repo
    repo.down()


def _screen(repo: SmallRepo, *arguments: str, columns: int = 80, **env: str) -> Screen:
    command = [sys.executable, "-m", "dsscaffold", *arguments]
    return Screen(command, cwd=repo.root, columns=columns, env=env)


def _rows(screen: Screen) -> dict[str, list[str]]:
    """Return the words of each row of the table by the name in it."""
    start = next(n for n, line in enumerate(screen.lines) if "SERVICE" in line)
    rows = [line.split() for line in screen.lines[start + 1 :]]
    return {row[1]: row for row in rows if len(row) >= 4 and row[0] in {"✓", "✗", "!", "-"}}


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_the_table_stays_with_a_row_for_each_service(repo: SmallRepo, columns: int) -> None:
    repo.add(LONG, ON_USERS)
    with _screen(repo, "up", "--detach", columns=columns) as screen:
        assert screen.finish() == 0, screen.text
        assert screen.has_cursor
    rows = _rows(screen)
    cut = next(name for name in rows if name.startswith("a-service"))
    assert set(rows) == {"migrate", "users", "orders", cut}
    assert (cut == LONG) == (columns > 70) or cut.endswith("…")
    assert rows["migrate"][2] == "done"
    for name in ("users", "orders", cut):
        mark, _, state, seconds, *address = rows[name]
        assert (mark, state) == ("✓", "healthy")
        assert float(seconds) >= 0
        assert address == ([] if columns < 60 else [repo.service(LONG if name == cut else name).url])
    assert screen.text.count("healthy  ") == 3, "a row is changed in place, not printed again"
    assert sum("SERVICE" in line for line in screen.lines) == 1
    assert "shop runs" in screen.text
    assert "dsscaffold down" in screen.text


def test_ctrl_c_in_the_middle_leaves_a_clean_terminal(repo: SmallRepo) -> None:
    (repo.root / "users" / "sick").touch()
    with _screen(repo, "up") as screen:
        screen.wait_until(lambda: re.search(r"users +starting", screen.text))
        assert not screen.has_cursor
        screen.type(b"\x03")
        screen.finish()
        assert screen.has_cursor
    assert _rows(screen)["users"][:3] == ["-", "users", "interrupted"]
    assert screen.lines[-1].startswith("Stopping")
    assert "Traceback" not in screen.text


def test_a_failure_stands_in_the_table_and_is_explained_above_it(repo: SmallRepo) -> None:
    (repo.root / "users" / "app.py").write_text("import nothing_of_that_name\n")
    with _screen(repo, "up", "--detach") as screen:
        assert screen.finish() == 1
    assert _rows(screen)["users"][0] == "✗"
    assert screen.text.index("nothing_of_that_name") < screen.text.index("SERVICE")


def test_without_colour_the_table_is_the_same(repo: SmallRepo) -> None:
    with _screen(repo, "up", "--detach", NO_COLOR="1") as screen:
        assert screen.finish() == 0
    assert set(_rows(screen)) == {"migrate", "users", "orders"}
    assert b"\x1b[3" not in screen.raw, "no colour is set"


def test_a_dumb_terminal_gets_a_line_a_step_and_no_control_codes(repo: SmallRepo) -> None:
    with _screen(repo, "up", "--detach", TERM="dumb") as screen:
        assert screen.finish() == 0
    assert b"\x1b" not in screen.raw
    assert "SERVICE" not in screen.text
    assert [line.split()[1] for line in screen.lines if line.startswith("✓")][-2:] == ["users", "orders"]


def test_colour_that_is_forced_upon_a_file_moves_no_cursor(repo: SmallRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    piped = repo.call("up", "--detach").stdout
    assert "\x1b[" in piped
    assert "\x1b[?25l" not in piped
    assert piped.count("healthy") == 1, "a line a step, and no table"


def test_the_status_fits_a_narrow_terminal(repo: SmallRepo) -> None:
    assert repo.up().ok
    for columns, shown in ((80, 5), (60, 3), (40, 2)):
        with _screen(repo, "status", columns=columns) as screen:
            assert screen.finish() == 0
        assert len(screen.lines[0].split()) == shown
        assert len(screen.lines) == 3, "no row is broken"


def test_the_status_says_why_something_is_not_well(repo: SmallRepo) -> None:
    assert repo.up().ok
    (repo.root / "users" / "sick").touch()
    reason = "not ready (database: down)"
    # Of a machine that halts it may be said before that nothing answers.
    wait_until(lambda: (users := repo.service("users")).state == "unhealthy" and users.detail == reason)
    for columns in (40, 80):
        with _screen(repo, "status", columns=columns) as screen:
            assert screen.finish() == 1
        told = " ".join(screen.text[screen.text.index("! users: ") :].split())
        assert told.startswith(f"! users: {reason}")
        assert "! orders" not in screen.text, "of who is well there is nothing to say"


def test_the_calls_of_the_panel_are_whole_in_the_narrowest_terminal(repo: SmallRepo, tmp_path: Path) -> None:
    repo.add("gateway", ON_USERS)
    applied = "version: 0.1.0\ntemplates: sha256:0\nname: shop\nbroker: kafka\npatterns: [orders]\n"
    (repo.root / ".dsscaffold" / "services").mkdir(parents=True)
    (repo.root / ".dsscaffold" / "applied.yaml").write_text(applied)
    (repo.root / ".dsscaffold" / "services" / "users.yaml").write_text("lang: python\nrole: profiles\n")
    with _screen(repo, "up", "--detach", columns=40) as screen:
        assert screen.finish() == 0, screen.text
    url = (repo.service("gateway").url or "").replace("127.0.0.1", "localhost")
    assert f"API docs  {url}/docs" in screen.text
    # What a person copies from the screen, given to a shell with a curl that says what it was given.
    shown = screen.text[screen.text.index("Try:\n") + 5 : screen.text.index("\n\nNext:")]
    (tmp_path / "curl").write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    (tmp_path / "curl").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    given = subprocess.run(["sh", "-ec", shown], env=env, capture_output=True, text=True, check=True).stdout.split("\0")
    assert given[:4] == [f"{url}/api/users/u1", f"{url}/api/orders", "-H", "content-type: application/json"]
    assert json.loads(given[5]) == {"userId": "u2", "items": [{"sku": "book-2", "quantity": 1}]}


def test_what_happens_later_is_told_below_the_panel(repo: SmallRepo) -> None:
    with _screen(repo, "up") as screen:
        screen.wait_for("logs -f")
        os.kill(repo.pid("users"), signal.SIGKILL)
        screen.wait_for("hello from users")
        later = screen.text[screen.text.index("shop runs") :]
        assert later.index("users is restarting") < later.index("hello from users")
        assert "SERVICE" not in later
        screen.type(b"\x03")
        assert screen.finish() == 0
    wait_until(lambda: set(repo.states().values()) == {"stopped"})
