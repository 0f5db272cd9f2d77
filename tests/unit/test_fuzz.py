"""Whatever is thrown at it: exit code 0, 1 or 2, one message, no traceback, and nothing half-written.

The command line runs in this process, because a thousand processes would take minutes; nothing of it is replaced.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsscaffold.cli import main
from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.catalogue import find_templates, load_catalogue
from dsscaffold.project.manifest import load_preset
from dsscaffold.project.plan import make_plan
from dsscaffold.runtime.compose.reader import read_compose
from dsscaffold.templating.renderer import render

#: Of each kind; more where somebody asks for them: FUZZ_EXAMPLES=3000 pytest tests/unit/test_fuzz.py
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "250"))
fuzz = settings(max_examples=EXAMPLES)

VERBS = ["new", "list", "up", "down", "status", "logs", "restart", "replay", "open", "diff", "update", "doctor"]
VERBS += [
    "add-service",
    "remove-service",
    "rename-service",
    "add-pattern",
    "remove-pattern",
    "set-broker",
    "",
    "nwe",
    "--help",
    "--version",
]
CHANGES = ["add-service", "remove-service", "rename-service", "add-pattern", "remove-pattern", "set-broker", "update"]
EDITS = [
    ["add-service", "notes", "--lang", "python", "--dry-run"],
    ["remove-service", "profiles", "--yes", "--dry-run"],
    ["rename-service", "profiles", "users", "--dry-run"],
    ["add-pattern", "hub", "--dry-run"],
    ["remove-pattern", "orders", "--dry-run"],
    ["set-broker", "kafka", "--dry-run"],
    ["update", "--dry-run"],
]
ENVIRONMENT = ["DSSCAFFOLD_TEMPLATES", "DSSCAFFOLD_CACHE", "COLUMNS", "TERM", "NO_COLOR", "FORCE_COLOR", "HOME"]
ENVIRONMENT += ["LC_ALL", "TERMINAL_WIDTH", "XDG_CACHE_HOME", "TMPDIR", "PATH", "BROWSER", "GATEWAY_PORT"]
LOOKS = ["status", "diff", "logs", "open", "replay", "restart"]
NAMES = [
    "demo",
    "no",
    "Demo",
    "demo demo",
    "..",
    ".",
    "/",
    "-",
    "--",
    "é",
    "a" * 300,
    "\x00",
    "/nowhere",
    "taken",
    "a/b",
]
FLAGS = [
    "--force",
    "--commit",
    "--abort",
    "--continue",
    "--yes",
    "-y",
    "--json",
    "--no-git",
    "--dry-run",
    "--detach",
    "--volumes",
    "-f",
    "--nope",
]
VALUES = ["shop", "shpo", "x:python", "x:python:orders", "x::", "gateway:python", "kafka", "orders", "hub", "0", "80"]
OPTIONS = [
    "--license",
    "--copyright",
    "--lang",
    "--role",
    "--print",
    "--patch",
    "--local",
    "--watch",
    "--preset",
    "--service",
    "--broker",
    "--pattern",
    "--port",
    "--tail",
    "-n",
    "--answers",
    "-o",
    "--templates",
]
WORDS = [*NAMES, *FLAGS, *VALUES, *OPTIONS, "99999", "-1", "answers.yaml"]
ANSWERS = """\
version: 1
name: demo
broker: kafka
patterns: [orders]
services:
  orders: {lang: python, role: orders}
  profiles: {lang: python, role: profiles}
"""
YAMLISH = st.text(st.sampled_from("abc:{}[],- \n\"'#&*!|>%@\t01é\u2028$"), max_size=10)


@pytest.fixture
def folder(templates: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a file in the way, as the current one; the templates are the small ones."""
    monkeypatch.setenv("DSSCAFFOLD_TEMPLATES", str(templates))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.chdir(name)
        (Path(name) / "taken").write_text("in the way")
        yield Path(name)
        monkeypatch.undo()


def _call(arguments: list[str]) -> tuple[int, str, str]:
    """Run the command line; return (exit code, stdout, stderr)."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["dsscaffold", *arguments]),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        pytest.raises(SystemExit) as left,
    ):
        main()
    return int(left.value.code or 0), stdout.getvalue(), stderr.getvalue()


def _check(arguments: list[str], folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    code, stdout, stderr = _call(arguments)
    assert code in {0, 1, 2}, (code, stderr)
    assert "Traceback" not in stderr
    assert "defect of dsscaffold" not in stderr, stderr
    made = {path.name for path in folder.iterdir()} - before
    if code == 0:
        for name in made:
            top = folder / name
            assert next(top.rglob("dsscaffold.yaml"), None), f"{name} is not whole"
            shutil.rmtree(top)
    else:
        assert made == set()
        assert stderr.strip() or stdout.strip(), "a failure says something"


@fuzz
@given(verb=st.sampled_from(VERBS), words=st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=7))
def test_arguments(folder: Path, verb: str, words: list[str]) -> None:
    _check([word for word in [verb, *words] if verb or words], folder)


@fuzz
@given(cut=st.integers(0, len(ANSWERS)), length=st.integers(0, 20), inserted=YAMLISH)
def test_answers(folder: Path, cut: int, length: int, inserted: str) -> None:
    answers = folder / "answers.yaml"
    answers.write_text(ANSWERS[:cut] + inserted + ANSWERS[cut + length :], encoding="utf-8")
    _check(["new", "demo", "--yes", "--dry-run", "--answers", "answers.yaml"], folder)
    answers.unlink()


@fuzz
@given(
    name=st.sampled_from(ENVIRONMENT),
    value=st.sampled_from(["", "/nowhere", "0", "-1", "taken", ".", "dumb", "\udce9"])
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8),
    arguments=st.sampled_from(
        [["list"], ["list", "--json"], ["new", "demo", "--dry-run"], ["status"], ["--help"], ["doctor"]]
    ),
)
def test_environment(folder: Path, name: str, value: str, arguments: list[str]) -> None:
    with mock.patch.dict(os.environ, {name: value}):
        _check(arguments, folder)


@pytest.fixture
def team(folder: Path) -> Path:
    """A repository of the small templates, as the current folder."""
    code, _, stderr = _call(["new", "team", "--yes"])
    assert code == 0, stderr
    os.chdir(folder / "team")
    return folder / "team"


def _check_unchanged(arguments: list[str], team: Path) -> None:
    before = {path: path.read_bytes() for path in _files(team)}
    code, stdout, stderr = _call(arguments)
    assert code in {0, 1, 2}, (code, stderr)
    assert "Traceback" not in stderr
    assert "defect of dsscaffold" not in stderr, stderr
    assert stdout.strip() or stderr.strip(), "it says something"
    assert {path: path.read_bytes() for path in _files(team)} == before


def _files(team: Path) -> list[Path]:
    """Return what a person sees, and the index: objects that nothing refers to are git's to forget."""
    seen = (path for path in team.rglob("*") if path.is_file() and ".git" not in path.parts)
    return [*(path for path in seen if "run" not in path.parts), team / ".git" / "index"]


@fuzz
@given(
    verb=st.sampled_from(CHANGES) | st.sampled_from(LOOKS),
    words=st.lists(
        st.sampled_from([*WORDS, "profiles", "python", "--lang", "--role"]) | st.text(max_size=5), max_size=5
    ),
)
def test_arguments_in_a_repository(team: Path, verb: str, words: list[str]) -> None:
    _check_unchanged([verb, *(["--dry-run"] if verb in CHANGES else []), *words], team)


@fuzz
@given(
    cut=st.floats(0, 1),
    length=st.integers(0, 20),
    inserted=YAMLISH,
    file=st.sampled_from(["dsscaffold.yaml", ".dsscaffold/applied.yaml", ".dsscaffold/services/orders.yaml"]),
    arguments=st.sampled_from([*EDITS, ["diff"], ["status"]]),
)
@example(cut=0.8671875, length=8, inserted="", file="dsscaffold.yaml", arguments=EDITS[0])
@example(cut=0, length=0, inserted="0", file="dsscaffold.yaml", arguments=["set-broker", "kafka", "--dry-run"])
def test_a_manifest_edited_by_hand(
    team: Path, cut: float, length: int, inserted: str, file: str, arguments: list[str]
) -> None:
    path = team / file
    text = path.read_text(encoding="utf-8")
    at = int(cut * len(text))
    path.write_text(text[:at] + inserted + text[at + length :], encoding="utf-8")
    try:
        _check_unchanged(arguments, team)
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real default preset, rendered."""
    catalogue = load_catalogue(find_templates(None))
    path = tmp_path_factory.mktemp("fuzz") / "shop"
    render(make_plan(load_preset("shop", "shop", catalogue), catalogue, "0"), catalogue.root, path)
    return path


@fuzz
@given(
    file=st.sampled_from(
        ["compose.yaml", "compose/kafka.yaml", "compose/postgres.yaml", "services/orders/compose.yaml"]
    ),
    at=st.floats(0, 1),
    length=st.integers(0, 30),
    inserted=YAMLISH,
)
@example(file="services/orders/compose.yaml", at=0.0, length=18, inserted="[]")
def test_a_compose_file_edited_by_hand(shop: Path, file: str, at: float, length: int, inserted: str) -> None:
    path = shop / file
    text = path.read_text(encoding="utf-8")
    cut = int(at * len(text))
    path.write_text(text[:cut] + inserted + text[cut + length :], encoding="utf-8")
    try:
        with contextlib.suppress(DsscaffoldError):
            read_compose(shop, {})
    finally:
        path.write_text(text, encoding="utf-8")
