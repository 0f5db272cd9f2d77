"""Real history: a team's repository, from one release of the templates to the next. `tests/e2e` builds and runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .history import DELETED, EDITS, INEVITABLE, LOCKS, RUNNABLE, added_lines, make_releases, make_repository, resolve
from .project import Project


@pytest.fixture
def updated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The team's repository after an update to the second release, without a package registry."""
    # No network and empty caches, on every machine alike: a lock file that needs them stays in conflict.
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    first, second = make_releases(tmp_path)
    repo = tmp_path / "demo"
    make_repository(repo, first)
    project = Project(repo, second)
    result = project.update()
    assert {conflict.path for conflict in result.conflicts} - LOCKS == INEVITABLE
    assert [note for note in result.notes if DELETED in note]
    return project


def test_every_edit_of_the_team_is_in_the_result_or_in_a_conflict(updated: Project) -> None:
    for what, (path, text) in EDITS.items():
        file = updated.path / path
        found = str(file.readlink()) if file.is_symlink() else file.read_text()
        assert text in found, what
    for path in RUNNABLE:
        assert (updated.path / path).stat().st_mode & 0o111, path
    assert not (updated.path / DELETED).exists()
    assert not (updated.path / "gateway/src/retry.ts").exists()
    assert added_lines() - set(updated.everything().decode(errors="replace").splitlines()) == set()


def test_what_the_templates_did_is_there(updated: Project) -> None:
    assert (updated.path / "gateway/src/problems.ts").is_file()
    assert (updated.path / "gateway/src/request-ids.ts").is_file()
    assert (updated.path / "services/profiles/app/application/retries.py").is_file()
    for gone in ("gateway/src/problem.ts", "gateway/src/clients", "services/orders/app/application/retry.py"):
        assert not (updated.path / gone).exists(), gone
    assert not (updated.path / "renovate.json").exists()
    assert "npm audit" in updated.read(".github/workflows/ci.yaml")
    assert "await app.register(about);" in updated.read("gateway/src/app.ts")
    assert '"orjson>=3.11,<4"' in updated.read("services/profiles/pyproject.toml")


def test_abort_brings_back_what_was(updated: Project) -> None:
    updated.git("reset", "--merge")
    assert updated.status() == ""
    assert (updated.path / "gateway/src/clients/cities.ts").is_file()


def test_once_the_conflicts_are_resolved_a_second_update_changes_nothing(updated: Project) -> None:
    resolve(updated.path)
    updated.commit()
    result = updated.update()
    assert (result.files, result.conflicts) == ((), ())
