"""`doctor` and `list`, as processes: what they say of a machine that has something, and of one that has nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.servers.home import unprivileged_home

from ..patience import PATIENCE_S
from .runtime.small_repo import ON_MIGRATE, SmallRepo

TOOLS = ("Node.js", "Java", "Postgres", "Kafka")
GATEWAY = """
services:
  gateway:
    build: .
    ports: ["${GATEWAY_PORT:-3000}:3000"]
    environment: {PORT: "3000"}
    x-local: {runtime: node, command: [node, server.ts]}
"""


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dsscaffold", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


def _findings(*arguments: str, **environment: str) -> dict[str, dict[str, Any]]:
    document = json.loads(_run("doctor", "--json", *arguments, **environment).stdout)
    return {finding["name"]: finding for finding in document["findings"]}


def test_a_bare_machine_is_told_what_will_be_fetched_and_how_much(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "JAVA_HOME": "", "DSSCAFFOLD_CACHE": str(tmp_path / "cache")}
    result = _run("doctor", **bare)
    assert result.returncode == 1, "git is missing"
    assert "Install git" in result.stdout
    found = _findings(**bare)
    assert {name: found[name]["level"] for name in TOOLS} == dict.fromkeys(TOOLS, "fetch")
    assert all(found[name]["fetchBytes"] > 1_000_000 for name in TOOLS)
    assert found["git"]["level"] == "problem"
    assert not (tmp_path / "cache").exists(), "looking fetches nothing"


def test_a_taken_port_is_named_with_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = _findings("--port", str(port))["gateway port"]
    assert taken["level"] == "warning"
    assert str(os.getpid()) in taken["found"]
    assert "--port" in taken["remedy"]


def test_a_repository_is_asked_for_its_own_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "dsscaffold.yaml").write_text("version: 1\n")
        (tmp_path / ".env").write_text(f"GATEWAY_PORT={port}\n")
        (tmp_path / "compose.yaml").write_text(GATEWAY)
        monkeypatch.chdir(tmp_path)
        taken = _findings()["gateway port"]
    assert taken["level"] == "warning"
    assert taken["found"].startswith(f"{port} is taken")


def test_what_runs_is_looked_for_on_the_port_that_it_runs_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    repo = SmallRepo(tmp_path / "shop")
    repo.add("gateway", ON_MIGRATE)
    try:
        assert repo.up().ok
        port = urlsplit(repo.service("gateway").url or "").port
        monkeypatch.chdir(repo.root)
        assert _findings()["gateway port"]["found"] == f"{port}, and this repository runs on it"
    finally:
        repo.down()
    assert _findings()["gateway port"]["found"].startswith("3000")


def test_a_compose_file_that_is_wrong_is_not_the_doctors_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dsscaffold.yaml").write_text("version: 1\n")
    (tmp_path / "compose.yaml").write_text("services: [")
    monkeypatch.chdir(tmp_path)
    assert _findings()["gateway port"]["found"].startswith("3000")


def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    disk = _findings(DSSCAFFOLD_CACHE=str(tmp_path / "file" / "cache"))["disk for the cache"]
    assert disk["level"] == "problem"
    assert "DSSCAFFOLD_CACHE" in disk["remedy"]


def test_a_cache_that_nobody_may_look_into_is_a_problem_and_no_end(tmp_path: Path) -> None:
    # To root no folder is closed; one with too long a name is, in the same way.
    found = _findings(DSSCAFFOLD_CACHE=str(tmp_path / ("c" * 300) / "cache"))
    assert found["Postgres"]["level"] == "fetch"
    assert found["gateway port"]


def test_the_current_folder_may_be_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    for verb in (("status",), ("doctor",), ("new", "demo", "--yes")):
        command = ["sh", "-c", script, "sh", str(gone), sys.executable, "-m", "dsscaffold", *verb]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert result.returncode == 1
        assert "The current folder is not there any more." in result.stderr
        gone.mkdir()


def test_a_stream_that_knows_ascii_only_is_no_defect() -> None:
    result = _run("doctor", PYTHONIOENCODING="ascii")
    assert "UnicodeEncodeError" not in result.stderr
    assert "? Python" in result.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="for root only: nobody else leaves anything outside a repository")
def test_what_a_deleted_repository_left_is_shown_with_how_to_remove_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "deleted")
    run.create()
    folder = unprivileged_home(run, "postgres").folder.parent
    try:
        assert str(folder) not in _run("doctor").stdout, "its repository is there"
        shutil.rmtree(run.repo)
        document = json.loads(_run("doctor", "--json").stdout)
        (finding,) = [found for found in document["findings"] if str(folder) in found["found"]]
        assert finding["level"] == "warning"
        assert str(run.repo) in finding["found"]
        assert folder.is_dir(), "looking removes nothing"
        command = finding["remedy"].partition(": ")[2]
        subprocess.run(shlex.split(command), check=True)
        assert str(folder) not in _run("doctor", "--json").stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_list_shows_the_catalogue(templates: Path) -> None:
    document = json.loads(_run("list", "--json", "--templates", str(templates)).stdout)
    assert [choice["name"] for choice in document["patterns"]] == ["hub", "orders"]
    assert [choice["name"] for choice in document["roles"]] == ["orders", "profiles"]
    assert document["languages"] == ["python"]
    text = _run("list", "--templates", str(templates)).stdout
    assert "needs a service with the role orders" in text
    assert "not with orders" in text
