"""Each row of the table of merges: what the team wrote survives what the templates do."""

from __future__ import annotations

import shutil

import pytest

from dsscaffold.errors import DsscaffoldError

from .project import Project


def _conflicts(result: object) -> list[str]:
    return [conflict.path for conflict in result.conflicts]  # type: ignore[attr-defined]


def test_right_after_new_an_update_changes_nothing(project: Project) -> None:
    result = project.update()
    assert (result.files, result.conflicts, result.notes) == ((), (), ())
    assert project.status() == ""


def test_both_sides_survive_in_one_file(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 2\n", "line 2\nours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 18\n", "theirs\n")
    assert project.update().ok
    text = project.read("gateway/src/app.ts")
    assert "ours\n" in text
    assert "theirs\n" in text


def test_the_same_line_edited_by_both_gets_markers_that_name_the_sides(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    result = project.update()
    assert _conflicts(result) == ["gateway/src/app.ts"]
    text = project.read("gateway/src/app.ts")
    assert "<<<<<<< yours/gateway\nours\n=======\ntheirs\n>>>>>>> templates-0.1.0/gateway\n" in text
    assert "UU gateway/src/app.ts" in project.status()
    stages = project.git("ls-files", "--unmerged", "gateway/src/app.ts").splitlines()
    assert [line.split()[2] for line in stages] == ["1", "2", "3"]


def test_the_template_renames_a_file_that_the_team_edited(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    (project.templates / "gateway/src/app.ts").rename(project.templates / "gateway/src/main.ts")
    assert project.update().ok
    assert "ours\n" in project.read("gateway/src/main.ts")
    assert not (project.path / "gateway/src/app.ts").exists()


def test_the_template_deletes_a_file_that_the_team_edited(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    (project.templates / "gateway/src/app.ts").unlink()
    assert _conflicts(project.update()) == ["gateway/src/app.ts"]
    assert "ours\n" in project.read("gateway/src/app.ts")


def test_the_template_renames_a_folder_in_which_the_team_edited_and_added(project: Project) -> None:
    project.replace("gateway/src/old/name.ts", "name 7\n", "ours\n")
    project.write("gateway/src/old/team.ts", "the team's own\n")
    project.commit()
    (project.templates / "gateway/src/old").rename(project.templates / "gateway/src/new")
    assert project.update().ok
    assert "ours\n" in project.read("gateway/src/new/name.ts")
    assert project.read("gateway/src/new/team.ts") == "the team's own\n"
    assert not (project.path / "gateway/src/old").exists()


def test_the_team_renamed_a_file_that_the_template_changed(project: Project) -> None:
    (project.path / "gateway/src/app.ts").rename(project.path / "gateway/src/ours.ts")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    assert project.update().ok
    assert "theirs\n" in project.read("gateway/src/ours.ts")
    assert not (project.path / "gateway/src/app.ts").exists()


def test_the_team_deleted_a_file_that_the_template_changed(project: Project) -> None:
    (project.path / "gateway/src/app.ts").unlink()
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    result = project.update()
    assert result.ok
    assert [note for note in result.notes if "gateway/src/app.ts" in note and "stays deleted" in note]
    assert not (project.path / "gateway/src/app.ts").exists()


def test_the_team_deleted_a_file_that_the_template_renamed_and_changed(project: Project) -> None:
    (project.path / "gateway/src/app.ts").unlink()
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    (project.templates / "gateway/src/app.ts").rename(project.templates / "gateway/src/main.ts")
    result = project.update()
    assert result.ok
    assert [note for note in result.notes if "stays deleted" in note]
    assert not (project.path / "gateway/src/main.ts").exists()


def test_a_binary_changed_on_both_sides_keeps_the_teams_copy(project: Project) -> None:
    project.write("gateway/logo.png", b"\x89PNG\0ours")
    project.commit()
    (project.templates / "gateway/logo.png").write_bytes(b"\x89PNG\0theirs")
    assert _conflicts(project.update()) == ["gateway/logo.png"]
    assert (project.path / "gateway/logo.png").read_bytes() == b"\x89PNG\0ours"


def test_an_ignored_file_with_a_secret_is_untouched_and_reported(project: Project) -> None:
    project.write(".env", "SECRET=1\n")
    project.add_template("repo/.env", "SECRET=\n")
    result = project.update()
    assert result.ok
    assert project.read(".env") == "SECRET=1\n"
    assert [note for note in result.notes if note.startswith(".env: git ignores it")]
    assert ".env" not in project.git("ls-files").split()


def test_unrelated_dirty_staged_and_untracked_files_are_kept(project: Project) -> None:
    project.write("gateway/run.sh", "staged\n")
    project.git("add", "gateway/run.sh")
    project.write("gateway/run.sh", "unstaged\n")
    project.write("services/alpha/app/main.py", "dirty\n")
    project.write("notes.txt", "untracked\n")
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    before = project.files()
    assert project.update().ok
    assert "theirs\n" in project.read("gateway/src/app.ts")
    assert project.read("gateway/run.sh") == "unstaged\n"
    assert project.git("show", ":gateway/run.sh") == "staged\n"
    assert project.read("services/alpha/app/main.py") == "dirty\n"
    assert project.read("notes.txt") == "untracked\n"
    assert project.run("update", "--abort").returncode == 0
    assert project.files() == before


@pytest.mark.parametrize("kind", ["dirty", "staged", "untracked", "ignored folder", "a file for a folder"])
def test_an_overlapping_file_is_refused_with_nothing_changed(project: Project, kind: str) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.add_template("gateway/new/file.ts", "theirs\n")
    where = {
        "dirty": "gateway/src/app.ts",
        "staged": "gateway/src/app.ts",
        "untracked": "gateway/new/file.ts",
        "ignored folder": "gateway/new/file.ts/.env",
        "a file for a folder": "gateway/new",
    }[kind]
    project.write(where, "ours\n")
    if kind == "staged":
        project.git("add", where)
    before = project.files()
    with pytest.raises(DsscaffoldError, match="not committed") as caught:
        project.update()
    assert "gateway/" in caught.value.message
    assert caught.value.exit_code == 1
    assert project.files() == before
    assert not (project.path / ".git" / "index.lock").exists()


def test_git_reset_merge_aborts_exactly(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.replace("services/alpha/app/main.py", "code 3\n", "ours\n")
    project.commit()
    project.write("gateway/run.sh", "#!/bin/sh\nunstaged\n")
    before = project.files()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.add_template("gateway/src/added.ts", "theirs\n")
    (project.templates / "gateway/src/old/name.ts").unlink()
    (project.templates / "python-service/app/main.py").unlink()
    result = project.update()
    assert len(result.conflicts) == 2
    assert result.abort == "git reset --merge"
    project.git("reset", "--merge")
    assert project.files() == before
    again = project.update()
    assert again.files == result.files


def test_an_edit_in_one_service_never_reaches_another(project: Project) -> None:
    """Services hold identical files; a merge of the whole tree would take one for the renamed other."""
    shutil.copytree(project.templates / "python-service/app", project.templates / "python-service/core")
    shutil.rmtree(project.templates / "python-service/app")
    project.replace("services/alpha/app/same.py", "same 7\n", "ours\n")
    (project.path / "services/beta/app/same.py").unlink()
    project.commit()
    project.update()
    assert "ours\n" in project.read("services/alpha/core/same.py")
    assert not (project.path / "services/beta/core/same.py").exists()
    assert "ours" not in project.read("services/beta/core/main.py")


@pytest.mark.parametrize(("gone", "left"), [("alpha", "beta"), ("beta", "alpha")])
def test_an_edit_in_a_service_that_goes_does_not_move_to_another(project: Project, gone: str, left: str) -> None:
    """In one merge of all, git takes the file of the one that goes for the old name of the other's new file."""
    project.replace(f"services/{gone}/app/same.py", "same 7\n", "ours\n")
    project.commit()
    project.replace("dsscaffold.yaml", f"  {gone}: {{lang: python}}\n", "")
    (project.templates / "python-service/app/same.py").rename(project.templates / "python-service/app/renamed.py")
    assert _conflicts(project.update()) == [f"services/{gone}/app/same.py"]
    assert "ours\n" in project.read(f"services/{gone}/app/same.py")
    assert "ours" not in project.read(f"services/{left}/app/renamed.py")


def test_it_exits_with_1_and_names_the_files_and_both_ways_on(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    dry = project.run("update", "--dry-run")
    assert dry.returncode == 1
    assert "gateway/src/app.ts" in dry.stdout
    assert project.status() == ""
    done = project.run("update")
    assert done.returncode == 1
    assert "git add -- gateway/src/app.ts" in done.stdout
    assert "git reset --merge" in done.stdout
    again = project.run("update")
    assert again.returncode == 1
    assert "not resolved yet: gateway/src/app.ts" in again.stderr
