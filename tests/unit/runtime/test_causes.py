"""Real programs that fail in the ways that are known, and what is said of each."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dsscaffold.runtime.local.causes import known_cause


def failing(script: str, folder: Path) -> list[str]:
    """Return the last lines of a Python program that does not come far."""
    (folder / "app.py").write_text(script)
    done = subprocess.run([sys.executable, "-S", "app.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr.splitlines()[-15:]


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("import no_such_thing", "The Python module no_such_thing is not found: it is missing in requirements.txt"),
        ("from json import loaf", "json has nothing of the name loaf"),
        ("x = (1,\ny = 2", "The source does not parse in "),
        ("def f():\nreturn 1", "The source does not parse in "),
        ("import os; os.environ['DATABASE_URL']", "The environment variable DATABASE_URL has no value"),
        ("raise SystemExit('PORT must be a number')", "The environment variable PORT is missing or wrong"),
        ("import errno; raise OSError(errno.ENOSPC, 'No space left on device')", "The disk is full"),
    ],
)
def test_a_program_that_fails(tmp_path: Path, script: str, cause: str) -> None:
    assert cause in known_cause(failing(script, tmp_path))


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"import socket; socket.create_server(('127.0.0.1', {server.getsockname()[1]}))"
        assert "Its port is taken by another process" in known_cause(failing(script, tmp_path))


def test_a_syntax_error_names_its_place(tmp_path: Path) -> None:
    assert "app.py:2: " in known_cause(failing("x = 1\ny = = 2\n", tmp_path))


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ('FATAL:  password authentication failed for user "orders"', "The database refuses the user orders"),
        ('asyncpg.exceptions.InvalidCatalogNameError: database "shop" does not exist', "There is no database shop"),
        ('error: role "ghost" does not exist', "The database has no user ghost"),
        ("FATAL:  sorry, too many clients already", "The database has no connection left"),
        ("Error: listen EADDRINUSE: address already in use 127.0.0.1:3000", "taken by another process (3000)"),
        ("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'fastify' imported from /x/a.ts", "The import fastify"),
        ("SyntaxError [ERR_INVALID_TYPESCRIPT_SYNTAX]: Expected ';'", "The source does not parse"),
        (
            '{"problem": "database: password authentication failed for user \\"profiles\\""}',
            "refuses the user profiles",
        ),
        ('{"message":"Wrong environment: BROKER_URL must match pattern \\"^x$\\""}', "BROKER_URL must match pattern;"),
        ("invalid DSN: scheme is expected to be either", "Its DATABASE_URL is no address of a database"),
        ("everything is well", ""),
    ],
)
def test_a_line_of_a_known_kind(line: str, cause: str) -> None:
    found = known_cause(["before", line, "after"])
    assert cause in found
    assert bool(found) is bool(cause)
