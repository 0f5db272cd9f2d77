"""What a person at a terminal sees: a pseudo-terminal, real keys."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..patience import PATIENCE_S
from .screen import WHERE_IS_THE_CURSOR, Screen

ENTER = b"\r"
DEFAULTS = [
    ("Preset?", ENTER),
    ("Services?", ENTER),
    ("Add a service of your own?", b"n"),
    ("Patterns?", ENTER),
    ("License?", ENTER),
    ("Gateway port?", ENTER),
]


def _talk(work: Path, templates: Path, answers: list[tuple[str, bytes]], *arguments: str) -> tuple[int, str]:
    """Run `new` on a terminal, answer each question when it stands there, and return (exit code, screen)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dsscaffold", "new", "demo", *arguments],
        cwd=work,
        env={**os.environ, "DSSCAFFOLD_TEMPLATES": str(templates), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        screen = _converse(ours, list(answers))
        return process.wait(timeout=PATIENCE_S), screen
    finally:
        process.kill()
        os.close(ours)


def _converse(terminal: int, answers: list[tuple[str, bytes]]) -> str:
    screen, unread, unanswered = "", "", b""
    while chunk := _read(terminal):
        text = chunk.decode(errors="replace")
        screen += text
        unread += text
        unanswered += chunk
        # What comes at once may be the half of a question.
        while WHERE_IS_THE_CURSOR in unanswered:
            unanswered = unanswered.partition(WHERE_IS_THE_CURSOR)[2]
            os.write(terminal, b"\x1b[1;1R")
        if answers and answers[0][0] in unread:
            os.write(terminal, answers.pop(0)[1])
            unread = ""
    assert not answers, f"{answers[0][0]} was never asked:\n{screen}"
    return screen


def _read(terminal: int) -> bytes:
    ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
    assert ready, "nothing more came"
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_the_defaults_make_what_was_shown(work: Path, templates: Path) -> None:
    code, screen = _talk(work, templates, [*DEFAULTS, ("Make it?", b"y")])
    assert code == 0, screen
    assert "services/orders" in screen
    assert screen.index("services/orders") < screen.rindex("Make it?")
    assert "name: demo" in (work / "demo" / "dsscaffold.yaml").read_text()


def test_a_service_and_a_port_of_ones_own(work: Path, templates: Path) -> None:
    answers = [
        ("Preset?", ENTER),
        ("Services?", ENTER),
        ("Add a service of your own?", b"y"),
        ("Its name?", b"notes" + ENTER),
        ("What does it do?", b"\x1b[A" + ENTER),
        ("Add a service of your own?", b"n"),
        ("Patterns?", ENTER),
        ("License?", ENTER),
        ("Gateway port?", b"\x7f\x7f\x7f\x7f4321" + ENTER),
        ("Make it?", b"y"),
    ]
    code, screen = _talk(work, templates, answers)
    assert code == 0, screen
    assert "  notes: {lang: python}\n" in (work / "demo" / "dsscaffold.yaml").read_text()
    assert (work / "demo" / ".env").read_text() == "GATEWAY_PORT=4321\n"


def test_what_does_not_go_together_is_explained_and_asked_again(work: Path, templates: Path) -> None:
    without_orders = ("Services?", b" " + ENTER)
    answers = [
        ("Preset?", ENTER),
        without_orders,
        ("Add a service of your own?", b"n"),
        ("Patterns?", ENTER),
        ("Services?", ENTER),
        ("Add a service of your own?", b"n"),
        ("Patterns?", b"\x1b[B " + ENTER),
        ("License?", ENTER),
        ("Gateway port?", ENTER),
        ("Make it?", b"y"),
    ]
    code, screen = _talk(work, templates, answers)
    assert code == 0, screen
    assert "needs a service with the role 'orders'" in screen
    manifest = (work / "demo" / "dsscaffold.yaml").read_text()
    assert "patterns: []" in manifest
    assert "orders" not in manifest.split("services:")[1]


def test_what_an_option_says_is_not_asked(work: Path, templates: Path) -> None:
    services = ("--preset", "shop", "--service", "orders:python:orders", "--pattern", "orders")
    options = (*services, "--license", "none", "--port", "4000")
    code, screen = _talk(work, templates, [("Make it?", b"y")], *options)
    assert code == 0, screen
    assert [question for question, _ in DEFAULTS if question in screen] == []


def _wizard(work: Path, templates: Path, *, columns: int, **env: str) -> Screen:
    command = [sys.executable, "-m", "dsscaffold", "new", "demo"]
    env["DSSCAFFOLD_TEMPLATES"] = str(templates)
    return Screen(command, cwd=work, columns=columns, env=env)


@pytest.mark.parametrize("columns", [40, 80])
def test_the_plan_names_parts_processes_and_what_will_be_fetched(work: Path, templates: Path, columns: int) -> None:
    # A machine without tools: a PATH with git alone.
    (work.parent / "bin").mkdir()
    (work.parent / "bin" / "git").symlink_to(shutil.which("git") or "")
    bare = {"PATH": str(work.parent / "bin"), "JAVA_HOME": "", "DSSCAFFOLD_CACHE": str(work.parent / "cache")}
    with _wizard(work, templates, columns=columns, **bare) as screen:
        for question, keys in DEFAULTS:
            screen.wait_for(question)
            screen.type(keys)
        screen.wait_for("Make it?")
        plan = screen.text[screen.text.index("Gateway port?") :]
        screen.type(b"y")
        assert screen.finish() == 0, screen.text
    assert all(part in plan for part in ("services/orders", "services/profiles", "patterns  orders"))
    assert all(process in plan for process in ("http://localhost:3000", "kafka", "postgres"))
    assert re.search(r"Node\.js +\d+ MB", plan)
    assert re.search(r"it will fetch +\d+ MB", plan)
    assert "demo is made" in screen.text
    assert screen.has_cursor


def test_what_a_pattern_needs_and_excludes_is_said_as_one_chooses(work: Path, templates: Path) -> None:
    with _wizard(work, templates, columns=60) as screen:
        for question, keys in DEFAULTS[:3]:
            screen.wait_for(question)
            screen.type(keys)
        screen.wait_for("Description: Hub; not with orders")
        screen.type(b" ")
        screen.type(ENTER)
        screen.wait_for("hub excludes orders")
        screen.type(b" ")
        screen.type(b"\x1b[B")
        screen.wait_for("needs a service with the role")
        screen.type(ENTER)
        screen.wait_for("License?")
        screen.type(b"\x03")
        assert screen.finish() == 130
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("question", "wrong", "said"),
    [
        ("Its name?", b"Gateway", "Not a name. Try: gateway-service"),
        ("Its name?", b"42", "Use a-z, 0-9 and hyphens, a-z first."),
        ("Its name?", b"orders", "There is one of this name already."),
        ("Copyright?", b"\x15", "Years and holders: 2026 The demo team"),
        ("Gateway port?", b"99999", "A number from 1 to 65535."),
    ],
)
def test_what_is_wrong_with_an_answer_can_be_read_whole_in_a_narrow_terminal(
    work: Path, templates: Path, question: str, wrong: bytes, said: str
) -> None:
    answers = {**dict(DEFAULTS), "Add a service of your own?": b"y", "Its name?": b"notes" + ENTER}
    order = ["Preset?", "Services?", "Add a service of your own?", "Its name?"]
    if question != "Its name?":
        answers |= {"Add a service of your own?": b"n", "License?": b"\x1b[B" + ENTER, "Copyright?": ENTER}
        order = ["Preset?", "Services?", "Add a service of your own?", "Patterns?", "License?", "Copyright?"]
        order += ["Gateway port?"]
    with _wizard(work, templates, columns=40) as screen:
        for earlier in order[: order.index(question)]:
            screen.wait_for(earlier)
            screen.type(answers[earlier])
        screen.wait_for(question)
        screen.type(wrong + ENTER)
        screen.wait_for(said)
        screen.type(b"\x03")
        assert screen.finish() == 130
    assert list(work.iterdir()) == []


def test_a_terminal_that_changes_its_size_keeps_the_question(work: Path, templates: Path) -> None:
    with _wizard(work, templates, columns=80) as screen:
        screen.wait_for("Preset?")
        screen.resize(40, 12)
        screen.type(ENTER)
        for question, keys in DEFAULTS[1:]:
            screen.wait_for(question)
            screen.type(keys)
        screen.wait_for("Make it?")
        screen.type(b"y")
        assert screen.finish() == 0, screen.text
    assert (work / "demo" / "dsscaffold.yaml").is_file()


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_where_colours_are_not_wanted_there_are_none(work: Path, templates: Path, env: dict[str, str]) -> None:
    with _wizard(work, templates, columns=60, **env) as screen:
        for question, keys in QUESTIONS:
            screen.wait_for(question)
            screen.type(keys)
        assert screen.finish() == 130
    styles = {code for codes in re.findall(rb"\x1b\[([0-9;]*)m", screen.raw) for code in codes.split(b";") if code}
    assert not {code for code in styles if int(code) >= 30}, "bold, dim and reverse are no colours"


def test_a_license_is_asked_for_with_its_holders(work: Path, templates: Path) -> None:
    answers = [*DEFAULTS[:4], ("License?", b"\x1b[B" + ENTER), ("Copyright?", b", and friends" + ENTER)]
    years = {time.localtime().tm_year}
    code, screen = _talk(work, templates, [*answers, ("Gateway port?", ENTER), ("Make it?", b"y")])
    assert code == 0, screen
    years.add(time.localtime().tm_year)
    made = {f"Copyright (c) {year} The demo team, and friends" for year in years}
    assert (work / "demo" / "LICENSE").read_text().splitlines()[-1] in made


QUESTIONS = [*DEFAULTS, ("Make it?", b"n")]


@pytest.mark.parametrize("at", range(len(QUESTIONS)))
def test_ctrl_c_at_any_question_makes_nothing(work: Path, templates: Path, at: int) -> None:
    with _wizard(work, templates, columns=60) as screen:
        for question, keys in QUESTIONS[:at]:
            screen.wait_for(question)
            screen.type(keys)
        screen.wait_for(QUESTIONS[at][0])
        screen.type(b"\x03")
        assert screen.finish() == 130
    assert screen.lines[-1] == "Nothing was made."
    assert "Traceback" not in screen.text
    assert screen.has_cursor
    assert list(work.iterdir()) == []


def test_no_makes_nothing(work: Path, templates: Path) -> None:
    code, screen = _talk(work, templates, QUESTIONS)
    assert code == 130, screen
    assert "Nothing was made." in screen
    assert list(work.iterdir()) == []


def test_no_service_and_no_pattern_is_an_answer(work: Path, templates: Path) -> None:
    nothing = ("--preset", "shop", "--service", "none", "--pattern", "none", "--license", "none", "--port", "4000")
    code, screen = _talk(work, templates, [("Make it?", b"y")], *nothing)
    assert code == 0, screen
    assert "services: {}" in (work / "demo" / "dsscaffold.yaml").read_text()
