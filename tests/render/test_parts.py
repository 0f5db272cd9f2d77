"""Each part of a rendered repository passes its own formatter, linter, type check and tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Check, run_check

SERVICES = [
    ("shop", "orders"),
    ("shop", "profiles"),
    ("shop", "recommendations"),
    ("renamed", "fulfilment"),
    ("fan-out", "profiles"),
    ("blank", "notes"),
    ("blank-services", "team-notes"),
]


def test_the_gateway_passes_its_own_checks(repo: Path, node_modules: Path, npm: Check, tmp_path: Path) -> None:
    # In a copy: tools leave files behind, and other tests look at what was rendered.
    gateway = shutil.copytree(repo, tmp_path / "repo") / "gateway"
    (gateway / "node_modules").symlink_to(node_modules)
    npm(gateway, "run", "check")


@pytest.mark.parametrize(("repo_name", "service"), SERVICES)
def test_a_service_passes_its_own_checks(
    repos: dict[str, Path], python: Path, tmp_path: Path, repo_name: str, service: str
) -> None:
    folder = shutil.copytree(repos[repo_name], tmp_path / "repo") / "services" / service
    run_check(folder, str(python / "ruff"), "check", "--no-cache", ".")
    run_check(folder, str(python / "ruff"), "format", "--no-cache", "--check", ".")
    run_check(folder, str(python / "mypy"), "--cache-dir", str(tmp_path / "mypy"))
    run_check(folder, str(python / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_services_of_one_broker_share_their_lock_files(repo: Path) -> None:
    """Dependencies vary by broker only: that is why one environment may stand for all of them above."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert len({path.read_bytes() for path in repo.glob(f"services/*/{name}")}) <= 1
