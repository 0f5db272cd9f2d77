"""What a change that fails, or is taken back, leaves behind: the repository as it was, and a copy of every edit."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dsscaffold.commands.add_service import run_add_service
from dsscaffold.commands.rename_service import run_rename_service
from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.change import Options

from .project import Project

COMMIT = Options(commit=True)


def _in_conflict(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")


def _rescued(project: Project, number: int) -> Path:
    return project.path / ".git/dsscaffold/rescued" / str(number)


def test_what_was_half_resolved_is_kept_each_time(project: Project) -> None:
    _in_conflict(project)
    before = project.files()
    for number in (1, 2):
        project.update()
        project.write("gateway/src/app.ts", f"half resolved {number}\n")
        told = project.run("update", "--abort").stdout
        assert f".git/dsscaffold/rescued/{number}." in told
        assert project.files() == before
    for number in (1, 2):
        assert (_rescued(project, number) / "gateway/src/app.ts").read_text() == f"half resolved {number}\n"


def test_what_was_resolved_and_staged_is_kept_beside_what_came_later(project: Project) -> None:
    _in_conflict(project)
    before = project.files()
    project.update()
    project.write("gateway/src/app.ts", "resolved\n")
    project.git("add", "gateway/src/app.ts")
    project.write("gateway/src/app.ts", "resolved in another way\n")
    told = project.run("update", "--abort").stdout
    assert "gateway/src/app.ts, gateway/src/app.ts.staged had edits of yours" in told
    assert (_rescued(project, 1) / "gateway/src/app.ts").read_text() == "resolved in another way\n"
    assert (_rescued(project, 1) / "gateway/src/app.ts.staged").read_text() == "resolved\n"
    assert project.files() == before


def test_a_link_that_took_the_place_of_a_file_is_kept(project: Project) -> None:
    _in_conflict(project)
    before = project.files()
    project.update()
    (project.path / "gateway/src/app.ts").unlink()
    (project.path / "gateway/src/app.ts").symlink_to("elsewhere.ts")
    assert "gateway/src/app.ts had edits of yours" in project.run("update", "--abort").stdout
    assert (_rescued(project, 1) / "gateway/src/app.ts").readlink() == Path("elsewhere.ts")
    assert project.files() == before


def test_notes_in_a_folder_that_goes_back_to_being_a_file_are_kept(project: Project) -> None:
    project.add_template("gateway/tool", "tool\n")
    project.update(COMMIT)
    (project.templates / "gateway/tool").unlink()
    project.add_template("gateway/tool/main.ts", "main\n")
    project.update()
    project.write("gateway/tool/notes.txt", "notes of the team\n")
    told = project.run("update", "--abort").stdout
    assert "gateway/tool had edits of yours" in told
    assert (_rescued(project, 1) / "gateway/tool/notes.txt").read_text() == "notes of the team\n"
    assert project.read("gateway/tool") == "tool\n"


def test_a_note_in_the_place_of_a_folder_that_comes_back_is_kept(project: Project) -> None:
    project.add_template("gateway/tool/main.ts", "main\n")
    project.update(COMMIT)
    (project.templates / "gateway/tool/main.ts").unlink()
    project.update()
    project.write("gateway/tool", "a note of the team\n")
    assert project.run("update", "--abort").returncode == 0
    assert (_rescued(project, 1) / "gateway/tool").read_text() == "a note of the team\n"
    assert project.read("gateway/tool/main.ts") == "main\n"


def test_what_git_has_taken_back_is_not_taken_back_again(project: Project) -> None:
    _in_conflict(project)
    project.update()
    project.git("reset", "--merge")
    project.write("gateway/src/app.ts", "hours of work\n")
    refused = project.run("update", "--abort")
    assert refused.returncode == 1
    assert "taken back already" in refused.stderr
    assert project.read("gateway/src/app.ts") == "hours of work\n"


def test_a_stash_in_between(project: Project) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    before = project.files()
    project.update()
    after = project.files()
    project.git("stash")
    assert project.files() == before
    project.git("stash", "pop", "--index", "--quiet")
    assert project.files() == after
    assert project.run("update", "--abort").returncode == 0
    assert project.files() == before


@pytest.fixture
def failing(project: Project, tmp_path: Path) -> Project:
    """A project in which git fails half-way through writing what the templates changed: a filter does not take it."""
    smudge = tmp_path / "smudge"
    smudge.write_text('#!/bin/sh\nin=$(cat; echo x)\ncase $in in *theirs*) exit 1 ;; esac\nprintf %s "${in%x}"\n')
    smudge.chmod(0o755)
    for key, value in {"clean": "cat", "smudge": str(smudge), "required": "true"}.items():
        project.git("config", f"filter.picky.{key}", value)
    project.write(".git/info/attributes", "services/beta/app/main.py filter=picky\n")
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    return project


def test_a_change_that_git_cannot_write_to_its_end_leaves_nothing(failing: Project) -> None:
    failing.replace("dsscaffold.yaml", "  beta: {lang: python}\n", "  beta: {lang: python}\n  gamma: {lang: java}\n")
    failing.write("gateway/run.sh", "dirty\n")
    before = failing.files()
    failed = failing.run("update")
    assert failed.returncode == 1
    assert "services/beta/app/main.py: smudge filter picky failed" in failed.stderr
    assert failing.files() == before
    failing.git("config", "--unset", "filter.picky.required")
    assert failing.run("update").returncode == 0


def test_a_full_disk_leaves_nothing(project: Project) -> None:
    """The shell's limit for one file stands for the disk: git is cut off in the middle of the work tree."""
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.add_template("gateway/src/large.ts", "theirs theirs theirs\n" * 100_000)
    before = project.files()
    command = 'ulimit -f 1000; trap "" XFSZ; exec "$0" "$@"'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, "-m", "dsscaffold", "update", "--templates", str(project.templates)],
        cwd=project.path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("Error: ")
    assert "defect" not in done.stderr
    assert project.files() == before
    assert not (project.path / ".git/index.lock").exists()
    assert project.update().ok


def test_a_file_system_that_knows_no_hard_links_is_refused_with_the_reason(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    before = project.files()
    monkeypatch.setattr(os, "link", link)
    with pytest.raises(DsscaffoldError, match=r"index\.lock cannot be made: Operation not permitted") as error:
        project.update()
    assert "hard links" in (error.value.hint or "")
    monkeypatch.undo()
    assert project.files() == before
    assert project.update().ok


def test_a_sparse_checkout_is_as_sparse_as_before(project: Project) -> None:
    project.replace("services/beta/app/main.py", "code 7\n", "ours\n")
    project.commit()
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    project.git("sparse-checkout", "set", "--cone", "gateway", "services/alpha")
    project.git("update-index", "--assume-unchanged", "gateway/run.sh")
    project.template("gateway/run.sh", "true", "false")
    before = project.git("ls-files", "-v")
    assert project.update().conflicts
    assert project.run("update", "--abort").returncode == 0
    assert project.git("ls-files", "-v") == before
    assert project.status() == ""


@pytest.mark.parametrize("killed", [False, True])
def test_what_git_took_for_garbage_is_there_for_an_abort(project: Project, killed: bool) -> None:
    run_add_service(project.path, "gamma", "python", None, Options())
    project.write("services/gamma/notes.txt", "notes of the team\n")
    project.git("add", "--all")
    before = project.files()
    run_rename_service(project.path, "gamma", "delta", Options())
    if killed:
        # As if it had come to its last step but one.
        shutil.copyfile(project.path / ".git/dsscaffold/index.before", project.path / ".git/index")
        journal = project.path / ".git/dsscaffold/journal.json"
        journal.write_text(journal.read_text().replace('"done": true', '"done": false'))
    project.git("gc", "--quiet", "--prune=now")
    if killed:
        assert "was interrupted" in project.run("update").stderr
    ended = project.run("update", "--abort")
    assert ended.returncode == 0, ended.stderr
    assert project.files() == before
