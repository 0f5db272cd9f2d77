"""`open`, on real services, with a browser that writes down what it is given."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsscaffold.commands.open import has_screen

from ...patience import PATIENCE_S
from .small_repo import ON_MIGRATE, SmallRepo

#: Says 200 to everything but /metrics.
GATEWAY = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if self.path == "/metrics" else 200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
Open = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallRepo]:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    repo = SmallRepo(tmp_path / "shop")
    repo.add("gateway", ON_MIGRATE)
    (repo.root / "gateway" / "app.py").write_text(GATEWAY)
    yield repo
    repo.down()


@pytest.fixture
def open_(repo: SmallRepo) -> Open:
    """Run `open` where nothing of a display is known, apart from what is passed."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "SSH_CONNECTION"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}

    def call(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dsscaffold", "open", *arguments]
        env = {**environment, **extra}
        return subprocess.run(
            command, cwd=repo.root, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )

    return call


def _browser(folder: Path, code: int = 0) -> str:
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\nexit {code}\n')
    script.chmod(0o755)
    return f"{script} %s"


def test_it_opens_the_page_where_the_status_says_that_it_is(repo: SmallRepo, open_: Open, tmp_path: Path) -> None:
    assert repo.up().ok
    docs = f"{repo.service('gateway').url}/docs".replace("127.0.0.1", "localhost")
    done = open_(BROWSER=_browser(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"Opened {docs}\n"), done.stderr
    assert (tmp_path / "opened").read_text() == f"{docs}\n"
    users = f"{repo.service('users').url}/docs".replace("127.0.0.1", "localhost")
    assert open_("users", "--print").stdout == f"{users}\n"


def test_without_a_display_or_browser_it_gives_the_address(repo: SmallRepo, open_: Open, tmp_path: Path) -> None:
    assert repo.up().ok
    # A browser of text, which would take the terminal over, is not what was named.
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "www-browser").symlink_to(shutil.which("true") or "")
    there = {"TERM": "xterm", "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for done in (open_(**there), open_(BROWSER=_browser(tmp_path, code=1), **there), open_(BROWSER="none:", **there)):
        assert done.returncode == 0
        assert "no browser" in done.stdout.lower()
        assert done.stdout.rstrip().endswith("/docs")


def test_print_and_json_open_nothing(repo: SmallRepo, open_: Open, tmp_path: Path) -> None:
    assert repo.up().ok
    browser = _browser(tmp_path)
    address = open_("--print", BROWSER=browser).stdout
    assert json.loads(open_("--json", BROWSER=browser).stdout) == {"url": address.rstrip(), "opened": False}
    assert not (tmp_path / "opened").exists()


def test_what_cannot_be_opened_is_explained(repo: SmallRepo, open_: Open) -> None:
    stopped = open_()
    assert stopped.returncode == 1
    assert "dsscaffold up" in stopped.stderr
    assert repo.up().ok
    missing = open_("metrics")
    assert missing.returncode == 1
    assert "404" in missing.stderr
    unknown = open_("user")
    assert unknown.returncode == 2
    assert "Did you mean 'users'?" in unknown.stderr


@pytest.mark.parametrize(
    ("environ", "seen"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"BROWSER": "firefox"}, True),
        ({"SSH_CONNECTION": "1 2 3 4", "BROWSER": "code"}, True),
    ],
)
def test_where_a_browser_can_show_itself(environ: dict[str, str], seen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert has_screen(environ) is seen


def test_pages_and_services_complete(repo: SmallRepo) -> None:
    words = {"COMP_WORDS": "dsscaffold open ", "COMP_CWORD": "2", "_DSSCAFFOLD_COMPLETE": "complete_bash"}
    program = str(Path(sys.executable).with_name("dsscaffold"))
    env = {**os.environ, **words}
    done = subprocess.run(
        program, cwd=repo.root, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert {"docs", "metrics", "users", "orders"} <= set(done.stdout.split())
