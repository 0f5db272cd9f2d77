"""As root, whom Postgres refuses to serve, and as anybody else: a real Postgres, started, stopped and started again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsscaffold.runtime.repo import RunFolder

from .small_repo import FOLDER, SmallRepo

COMPOSE = "services: {postgres: {image: 'postgres:17', x-local: {server: postgres}}}\n"
#: Somebody who is not root, with no right to become anybody else.
AS_A_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
WAYS: dict[str, tuple[str, ...]] = {"root": (), "user": AS_A_USER} if os.geteuid() == 0 else {"user": ()}

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repo(tmp_path: Path) -> SmallRepo:
    repo = SmallRepo(tmp_path / FOLDER)
    (repo.root / "postgres.yaml").write_text(COMPOSE)
    compose = repo.root / "compose.yaml"
    paths = [*json.loads(compose.read_text().removeprefix("include: ")), "postgres.yaml"]
    compose.write_text(f"include: {json.dumps(paths)}\n")
    return repo


@pytest.fixture(params=WAYS)
def call(request: pytest.FixtureRequest, repo: SmallRepo) -> Iterator[Call]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*WAYS[request.param], sys.executable, "-m", "dsscaffold", *arguments]
        return subprocess.run(command, cwd=repo.root, capture_output=True, text=True, check=False, timeout=120)

    yield run
    assert run("down", "--volumes").returncode == 0


def test_up_down_and_up_again(repo: SmallRepo, call: Call, request: pytest.FixtureRequest) -> None:
    run = RunFolder(repo.root)
    inside = run.data / "postgres" / "data" / "PG_VERSION"
    for _ in range(2):
        up = call("up", "--detach")
        assert up.returncode == 0, up.stdout + up.stderr
        status = json.loads(call("status", "--json").stdout)
        assert {entry["name"]: entry["state"] for entry in status["services"]} == {
            "orders": "healthy",
            "users": "healthy",
            "postgres": "healthy",
        }
        # Root's lies where the user can get to that Postgres runs as.
        assert inside.is_file() is ("root" not in request.node.name)
        assert (run.root / "outside").is_file() is ("root" in request.node.name)
        assert call("down").returncode == 0
