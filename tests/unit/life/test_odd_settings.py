"""What a person has set or begun: switches of git, variables of a hook, a rebase half-way, a folder to start from."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .project import Project, make_project

SWITCHES = {
    "core.fsmonitor": "true",
    "core.quotePath": "true",
    "core.splitIndex": "true",
    "core.untrackedCache": "true",
    "color.ui": "always",
    "diff.external": "false",
    "diff.renames": "false",
    "feature.manyFiles": "true",
    "index.version": "4",
    "merge.conflictStyle": "zdiff3",
    "merge.verbosity": "0",
    "status.showUntrackedFiles": "no",
    "transfer.fsckObjects": "true",
}


def _in_conflict(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.write("gateway/logo.png", b"\x89PNG\0ours")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    (project.templates / "gateway/logo.png").write_bytes(b"\x89PNG\0theirs")


def test_switches_of_git_change_nothing(project: Project) -> None:
    for key, value in SWITCHES.items():
        project.git("config", key, value)
    project.git("-c", "core.fsmonitor=false", "update-index", "--split-index")
    _in_conflict(project)
    before = project.files()
    dry = json.loads(project.run("update", "--dry-run", "--json").stdout)
    made = json.loads(project.run("update", "--json").stdout)
    assert (dry["files"], dry["conflicts"]) == (made["files"], made["conflicts"])
    reasons = {conflict["path"]: conflict["reason"] for conflict in made["conflicts"]}
    assert reasons == {
        "gateway/logo.png": "both changed it, and it is no text; yours was kept",
        "gateway/src/app.ts": "both changed the same lines",
    }
    assert project.run("update", "--abort").returncode == 0
    assert project.files() == before
    project.update()
    project.git("reset", "--merge")
    assert project.files() == before


def test_the_variables_of_a_hook_lead_nowhere_else(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_project(tmp_path / "other")
    untouched = other.files()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(other.path / ".git"))
        hook.setenv("GIT_WORK_TREE", str(other.path))
        hook.setenv("GIT_INDEX_FILE", str(other.path / ".git/index"))
        hook.setenv("GIT_PREFIX", "gateway/")
        hook.setenv("GIT_LITERAL_PATHSPECS", "1")
        assert project.run("update", "--commit").returncode == 0
    assert other.files() == untouched
    assert "theirs\n" in project.git("show", "HEAD:gateway/src/app.ts")


def test_the_commands_work_in_the_folder_that_they_are_read_in(project: Project) -> None:
    _in_conflict(project)
    inner = Project(project.path / "services/alpha", project.templates)
    made = json.loads(inner.run("update", "--json").stdout)
    assert made["continue"][0] == "git add -- :/gateway/logo.png :/gateway/src/app.ts"
    for command in made["continue"]:
        subprocess.run(command, shell=True, cwd=inner.path, check=True, capture_output=True)
    assert project.status() == ""


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_git_was_told_to_overlook_is_work_all_the_same(project: Project, flag: str) -> None:
    project.git("update-index", flag, "gateway/src/app.ts")
    project.write("gateway/src/app.ts", "a local setting\n")
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    dry = project.run("update", "--dry-run")
    assert dry.returncode == 1
    assert "It would be refused" in dry.stdout
    refused = project.run("update")
    assert refused.returncode == 1
    assert "git update-index --no-skip-worktree --no-assume-unchanged -- gateway/src/app.ts" in refused.stderr
    assert project.read("gateway/src/app.ts") == "a local setting\n"


@pytest.mark.parametrize("verb", ["rebase", "am"])
@pytest.mark.parametrize("resolved", [True, False])
def test_a_rebase_is_finished_first_and_called_one(project: Project, verb: str, resolved: bool) -> None:
    project.git("switch", "--quiet", "--create", "side")
    project.replace("gateway/src/app.ts", "line 7\n", "side\n")
    project.commit()
    patch = project.git("format-patch", "--output-directory", str(project.path.parent), "-1").strip()
    project.git("switch", "--quiet", "main")
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    assert project.run_git(verb, patch if verb == "am" else "side").returncode != 0
    if resolved:
        project.write("gateway/src/app.ts", "resolved\n")
        project.git("add", "--all")
    project.template("gateway/src/old/name.ts", "name 7\n", "theirs\n")
    before = project.files()
    refused = project.run("update")
    assert refused.returncode == 1
    assert f"A git {verb} is not finished here." in refused.stderr
    assert f"git {verb} --abort" in refused.stderr
    assert project.files() == before


def test_a_repository_of_somebody_else_is_said_to_be_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only root may give a file away; git has this for its own tests.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    refused = project.run("update")
    assert refused.returncode == 1
    assert f"git config --global --add safe.directory {project.path}" in refused.stderr
    assert "git init" not in refused.stderr


def test_a_partial_clone(project: Project, tmp_path: Path) -> None:
    project.replace("gateway/src/app.ts", "line 2\n", "ours\n")
    project.commit()
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        project.git("config", key, "true")
    source = f"file://{project.path}"
    command = ["git", "clone", "--quiet", "--filter=blob:none", "--sparse", source, str(tmp_path / "clone")]
    subprocess.run(command, check=True, capture_output=True)
    clone = Project(tmp_path / "clone", project.templates)
    clone.git("sparse-checkout", "set", "--cone", "gateway")
    project.template("gateway/src/app.ts", "line 18\n", "theirs\n")
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    assert clone.run("update", "--commit").returncode == 0
    assert "ours\n" in clone.read("gateway/src/app.ts")
    assert "theirs\n" in clone.git("show", "HEAD:services/beta/app/main.py")


def test_git_does_not_tidy_up_behind_a_new_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer ones do so in the background, with a lock in a folder that is renamed meanwhile: the lock would stay."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    make_project(tmp_path / "new")
    trace = (tmp_path / "trace").read_text()
    assert " commit --quiet" in trace
    assert "git maintenance" not in trace
