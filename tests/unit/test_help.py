"""The command line explains itself: help that fits, examples that work, and one form for whatever is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from dsscaffold.cli import app
from dsscaffold.examples import EXAMPLES

from ..patience import PATIENCE_S

COMMANDS = getattr(typer.main.get_command(app), "commands")  # noqa: B009


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dsscaffold", *arguments]
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "TERM"}}
    return subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


def test_every_verb_has_examples() -> None:
    assert EXAMPLES.keys() == COMMANDS.keys()


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_is_understood(line: str) -> None:
    program, verb, *arguments = line.split()
    assert program == "dsscaffold"
    COMMANDS[verb].make_context(verb, arguments)


@pytest.mark.parametrize("columns", [40, 80])
def test_help_fits_and_cuts_no_name(columns: int) -> None:
    for verb in ("new", "update", "up"):
        text = _run(verb, "--help", COLUMNS=str(columns)).stdout
        names = [name for parameter in COMMANDS[verb].params for name in parameter.opts if name.startswith("--")]
        assert [name for name in names if name not in text] == []
        lines = [line for line in text.splitlines() if "dsscaffold new " not in line]
        assert max(map(len, lines)) <= columns
        assert EXAMPLES[verb][0] in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("new",), "Missing argument 'NAME'."),
        (("restart",), "Missing argument 'SERVICE...'."),
        (("nwe", "demo"), "No such command 'nwe'. Did you mean 'new'?"),
        (("new", "demo", "--yse"), "No such option: --yse"),
        (("new", "demo", "--port", "99999"), "'99999' is not a port, from 1 to 65535."),
        (("up", "--port", "http"), "'http' is not a port, from 1 to 65535."),
        (("logs", "--tail", "-1"), "'-1' is not a number of lines."),
    ],
)
def test_what_does_not_parse_is_one_message_with_a_hint(arguments: tuple[str, ...], message: str) -> None:
    result = _run(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error.startswith("Error: ")
    assert message in error
    assert hint.startswith("Hint:  What it takes: ")
    assert hint.endswith("--help")


def test_a_width_that_is_no_number_is_none() -> None:
    assert _run("new", "--help", TERMINAL_WIDTH="wide").returncode == 0


@pytest.mark.parametrize("columns", [40, 80])
def test_without_a_verb_the_help_is_shown_once(columns: int) -> None:
    result = _run(COLUMNS=str(columns))
    assert result.returncode == 2
    assert "Error" not in result.stdout + result.stderr
    assert (result.stdout + result.stderr).count("Usage:") == 1
    summaries = [command.callback.__doc__.partition("\n")[0] for command in COMMANDS.values()]
    shown = " ".join((result.stdout + result.stderr).replace("│", "").split())
    assert [summary for summary in summaries if summary not in shown] == []
    assert "..." not in shown.partition("Commands")[2]


def test_what_a_program_reads_has_no_blanks_at_the_ends_of_lines(templates: Path) -> None:
    for verb in (("list", "--templates", str(templates)), ("doctor",)):
        lines = _run(*verb).stdout.splitlines()
        assert len(lines) > 5
        assert [line for line in lines if line != line.rstrip()] == []
