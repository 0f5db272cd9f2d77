"""`dsscaffold new` as a person runs it: a process of its own, on a small templates folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ..patience import PATIENCE_S

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder to run commands in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(templates: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a person without any git settings, whose templates are the small ones."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "XDG_"))}
    return {**kept, "HOME": str(home), "DSSCAFFOLD_TEMPLATES": str(templates), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def run(work: Path, environment: dict[str, str]) -> Run:
    """Run dsscaffold with the given arguments in the empty folder."""

    def call(*arguments: str, cwd: Path = work, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dsscaffold", *arguments],
            cwd=cwd,
            env={**environment, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def _tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777) for path in files}


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def _git_that(folder: Path, *, on: str, does: str) -> str:
    """Return a PATH with a git that does something of its own on one call, and the real thing on all others."""
    binaries = folder / "bin"
    binaries.mkdir()
    script = f'#!/bin/sh\ncase "$*" in *"{on}"*) {does};; *) exec {shutil.which("git")} "$@";; esac\n'
    (binaries / "git").write_text(script)
    (binaries / "git").chmod(0o755)
    return f"{binaries}:{os.environ['PATH']}"


def test_layers_replace_files_of_the_same_path_and_only_jinja_files_are_templated(run: Run, work: Path) -> None:
    result = run("new", "demo", "--yes")
    assert result.returncode == 0, result.stderr
    tree = {name: content.decode() for name, (content, _) in _tree(work / "demo").items() if not name.endswith(".xz")}
    assert tree["README.md"] == "# demo\n"
    assert tree["compose.yaml"] == "- orders\n- profiles\n"
    assert tree["gateway/app.ts"] == "export const orders = 'demo';\n"
    assert tree["gateway/plain.ts"] == "export const plain = '{{ not templated }}';\n"
    assert tree["services/orders/main.py"] == "print('orders')\n"
    assert tree["services/profiles/main.py"] == "print('profiles')\n"
    assert tree["services/profiles/README.md"] == "profiles in demo, orders\n"
    assert tree["services/profiles/kafka.py"] == "broker = 'kafka'\n"
    assert "copier.yml" not in tree
    assert "gateway/hub.ts" not in tree, "a template that comes to nothing is a file that is not there"


def test_the_first_commit_holds_everything_and_needs_no_git_identity(run: Run, work: Path) -> None:
    assert run("new", "demo", "--yes").returncode == 0
    demo = work / "demo"
    assert _git(demo, "status", "--porcelain") == ""
    assert _git(demo, "rev-list", "--count", "HEAD") == "1"
    assert _git(demo, "branch", "--show-current") == "main"
    assert set(_git(demo, "ls-files").splitlines()) == set(_tree(demo))
    assert (demo / "run.sh").stat().st_mode & 0o111


def test_a_signing_or_hooked_configuration_does_not_stop_the_first_commit(
    run: Run, work: Path, environment: dict[str, str]
) -> None:
    hooks = work / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    config = (
        f"[commit]\ngpgSign = true\n[core]\nhooksPath = {hooks}\nautocrlf = true\n[user]\nname = A\nemail = a@b.c\n"
    )
    Path(environment["HOME"], ".gitconfig").write_text(config)
    result = run("new", "demo", "--yes")
    assert result.returncode == 0, result.stderr
    assert _git(work / "demo", "log", "--format=%an") == "A"
    assert _git(work / "demo", "status", "--porcelain") == ""


def test_rendering_twice_gives_the_same_bytes(run: Run, work: Path) -> None:
    for folder in ("one", "two"):
        assert run("new", "demo", "--yes", "--output-dir", folder).returncode == 0
    assert _tree(work / "one" / "demo") == _tree(work / "two" / "demo")


def test_dry_run_writes_nothing_and_lists_what_would_come(run: Run, work: Path) -> None:
    dry = run("new", "demo", "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    assert list(work.iterdir()) == []
    assert run("new", "demo", "--yes").returncode == 0
    assert json.loads(dry.stdout)["files"] == sorted(_tree(work / "demo"))


def test_json_is_one_document_on_stdout(run: Run, work: Path) -> None:
    document = json.loads(run("new", "demo", "--yes", "--json").stdout)
    assert document["name"] == "demo"
    assert document["committed"] is True
    assert Path(work, document["path"]).is_dir()
    assert {"name": "orders", "lang": "python", "role": "orders"} in document["services"]


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(run: Run, work: Path) -> None:
    (work / "demo").mkdir()
    (work / "demo" / "mine.txt").write_text("mine")
    result = run("new", "demo", "--yes")
    assert result.returncode == 1
    assert "not empty" in result.stderr
    assert _tree(work) == {"demo/mine.txt": (b"mine", 0o644)}


def test_an_empty_folder_is_used(run: Run, work: Path) -> None:
    (work / "demo").mkdir()
    assert run("new", "demo", "--yes").returncode == 0
    assert (work / "demo" / "dsscaffold.yaml").is_file()


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("My Team",), "'My Team' cannot be the name", "my-team"),
        (("../up",), "'../up' is a path, not a name.", "dsscaffold new up --output-dir .."),
        (("apps/My Shop",), "'apps/My Shop' is a path, not a name.", "dsscaffold new my-shop --output-dir apps"),
        (("demo", "--preset", "shpo"), "no preset 'shpo'", "'shop'"),
        (("demo", "--templates", "nowhere"), "not a templates folder", "layout"),
        (
            ("demo", "--service", "notes:python"),
            "needs a service with the role 'orders'",
            "the service orders:python:orders",
        ),
        (("demo", "--service", "notes:python"), "'orders' needs", "--pattern none"),
        (("demo", "--up", "--dry-run"), "exclude each other", "Leave one"),
    ],
)
def test_bad_input_is_one_message_with_a_hint(
    run: Run, work: Path, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    result = run("new", *arguments, "--yes")
    assert result.returncode == 2
    assert message in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr
    assert list(work.iterdir()) == []


def test_without_a_terminal_it_does_not_wait_for_an_answer(run: Run, work: Path) -> None:
    result = run("new", "demo")
    assert result.returncode == 2
    assert "--yes" in result.stderr
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ((), "--preset, --service, --pattern, --license, --port"),
        (("--preset", "shop", "--pattern", "none", "--port", "4000"), "--service, --license"),
        (("--answers", "answers.yaml"), "--port"),
    ],
)
def test_without_a_terminal_the_options_that_were_not_given_are_named(
    run: Run, work: Path, given: tuple[str, ...], missing: str
) -> None:
    assert f"it takes the defaults for {missing}." in run("new", "demo", *given).stderr
    assert list(work.iterdir()) == []


def test_without_a_terminal_all_that_is_left_is_yes(run: Run) -> None:
    services = ("--service", "orders:python:orders", "--pattern", "orders")
    result = run("new", "demo", "--preset", "shop", *services, "--license", "none", "--port", "4000")
    assert result.stderr.splitlines()[-1] == "Hint:  Add --yes."


def test_none_takes_the_place_of_what_the_preset_has(run: Run, work: Path) -> None:
    assert run("new", "demo", "--yes", "--service", "none", "--pattern", "none").returncode == 0
    manifest = (work / "demo" / "dsscaffold.yaml").read_text()
    assert "patterns: []\nservices: {}\n" in manifest
    refused = run("new", "other", "--yes", "--pattern", "none", "--pattern", "orders")
    assert refused.returncode == 2
    assert "--pattern none goes with no other --pattern" in refused.stderr


def test_a_template_that_fails_leaves_nothing_behind(run: Run, work: Path, templates: Path) -> None:
    (templates / "gateway" / "broken.ts.jinja").write_text("{{ no_such_name }}\n")
    result = run("new", "demo", "--yes", "--output-dir", "a/b")
    assert result.returncode == 1
    assert "no_such_name" in result.stderr
    assert list(work.iterdir()) == []


def test_a_git_that_fails_leaves_nothing_behind(run: Run, work: Path, tmp_path: Path) -> None:
    path = _git_that(tmp_path, on="commit --quiet", does="echo 'fatal: disk full' >&2; exit 128")
    result = run("new", "demo", "--yes", PATH=path)
    assert result.returncode == 1
    assert "disk full" in result.stderr
    assert list(work.iterdir()) == []


def test_a_failure_leaves_what_another_run_has_made_in_the_new_parent(run: Run, work: Path, tmp_path: Path) -> None:
    path = _git_that(tmp_path, on="commit --quiet", does="touch ../../other; echo 'fatal: disk full' >&2; exit 128")
    result = run("new", "demo", "--yes", "--output-dir", "a/b", PATH=path)
    assert result.returncode == 1
    assert "disk full" in result.stderr
    assert [path.name for path in (work / "a" / "b").iterdir()] == ["other"]


def test_without_git_there_is_a_hint_and_no_git_works(run: Run, work: Path, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    result = run("new", "demo", "--yes", PATH=str(empty))
    assert result.returncode == 1
    assert "--no-git" in result.stderr
    assert list(work.iterdir()) == []
    assert run("new", "demo", "--yes", "--no-git", PATH=str(empty)).returncode == 0
    assert not (work / "demo" / ".git").exists()


def test_interrupt_leaves_nothing_behind(work: Path, environment: dict[str, str], tmp_path: Path) -> None:
    reached = tmp_path / "reached"
    os.mkfifo(reached)
    # Git says when it is reached, and then hangs: rendering is over, the rename is not.
    path = _git_that(tmp_path, on="init --quiet", does=f"echo x >{reached}; exec tail -f /dev/null")
    process = subprocess.Popen(
        [sys.executable, "-m", "dsscaffold", "new", "demo", "--yes"],
        cwd=work,
        env={**environment, "PATH": path},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert reached.read_text() == "x\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(work.iterdir()) == []


def test_inside_another_repository_it_says_so(run: Run, work: Path) -> None:
    _git(work, "init", "--quiet")
    result = run("new", "demo", "--yes")
    assert result.returncode == 0
    assert "inside the git repository" in result.stdout
    assert _git(work / "demo", "rev-parse", "--show-toplevel") == str((work / "demo").resolve())
