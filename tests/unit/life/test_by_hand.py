"""What a team did by hand, with git or in dsscaffold.yaml, before it ran a verb."""

from __future__ import annotations

import shutil

import pytest

from dsscaffold.commands.add_service import run_add_service
from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.change import Options

from .project import Project


def _edit_in(project: Project, *services: str) -> None:
    for service in services:
        project.replace(f"services/{service}/app/main.py", "code 7\n", f"ours in {service}\n")
    project.commit()


def test_a_rename_by_hand_onto_files_of_the_team_is_refused(project: Project) -> None:
    project.write("services/gamma/app/main.py", "ours in gamma\n")
    _edit_in(project, "alpha")
    project.replace("dsscaffold.yaml", "alpha: {lang: python}", "gamma: {lang: python, id: alpha}")
    before = project.files()
    with pytest.raises(DsscaffoldError, match=r"services/gamma/app/main\.py would stand in the place") as caught:
        project.update()
    assert "rename then" in (caught.value.hint or "")
    assert project.files() == before


def test_a_rename_by_hand_to_the_name_of_a_service_that_goes_is_refused(project: Project) -> None:
    _edit_in(project, "alpha", "beta")
    project.replace("dsscaffold.yaml", "  alpha: {lang: python}\n", "")
    project.replace("dsscaffold.yaml", "beta: {lang: python}", "beta: {lang: python, id: alpha}")
    before = project.files()
    with pytest.raises(DsscaffoldError, match="in the place of another file of yours"):
        project.update()
    assert project.files() == before


def test_a_line_that_the_team_added_to_our_ignore_file_stays(project: Project) -> None:
    project.write(".dsscaffold/.gitignore", project.read(".dsscaffold/.gitignore") + "notes/\n")
    project.commit()
    assert project.update().files == ()
    run_add_service(project.path, "gamma", "python", None, Options())
    assert project.read(".dsscaffold/.gitignore").endswith("notes/\n")


def test_a_service_whose_files_the_team_deleted_is_removed_without_force(project: Project) -> None:
    shutil.rmtree(project.path / "services/beta")
    project.commit()
    assert project.run("remove-service", "beta", "--yes").returncode == 0
    assert "beta" not in project.read("dsscaffold.yaml")
    assert project.run("update", "--abort").returncode == 0
    project.write("services/beta/app/main.py", project.read("services/alpha/app/main.py") + "ours\n")
    project.commit()
    refused = project.run("remove-service", "beta", "--yes")
    assert refused.returncode == 1
    assert "wrote something in beta: services/beta/app/main.py.\n" in refused.stderr


@pytest.mark.parametrize("committed", [True, False])
def test_a_service_that_was_moved_by_hand_is_renamed_all_the_same(project: Project, committed: bool) -> None:
    _edit_in(project, "alpha")
    project.git("mv", "services/alpha", "services/gamma")
    if committed:
        project.commit()
    done = project.run("rename-service", "alpha", "gamma")
    if not committed:
        assert done.returncode == 1
        assert "not committed" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert "gamma: {lang: python, id: alpha}" in project.read("dsscaffold.yaml")
    assert "ours in alpha\n" in project.read("services/gamma/app/main.py")
    assert project.read("services/gamma/README.md").startswith("# gamma\n")
    assert not (project.path / "services/alpha").exists()
    project.commit()
    project.template("python-service/app/main.py", "code 18\n", "theirs\n")
    assert project.update().ok
    assert "theirs\n" in project.read("services/gamma/app/main.py")


def test_a_service_without_files_is_asked_about_and_gets_none(project: Project) -> None:
    project.git("mv", "services/alpha", "services/gamma")
    project.commit()
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    project.add_template("python-service/app/new.py", "new\n")
    result = project.update()
    assert result.ok
    assert not (project.path / "services/alpha").exists(), "one new file is no service"
    (note,) = (note for note in result.notes if "services/alpha" in note)
    assert "dsscaffold remove-service alpha" in note
    assert "dsscaffold rename-service alpha NEW" in note
    assert "theirs\n" in project.read("services/beta/app/main.py")
    project.commit()
    assert project.update().files == ()
    assert project.run("rename-service", "alpha", "gamma").returncode == 0


def test_a_file_that_moved_to_another_service_stays_there(project: Project) -> None:
    _edit_in(project, "alpha")
    project.git("mv", "services/alpha/app/main.py", "services/beta/app/from_alpha.py")
    project.git("mv", "services/alpha/app/same.py", "gateway/src/same.py")
    project.commit()
    project.template("python-service/app/main.py", "code 18\n", "theirs\n")
    result = project.update()
    assert result.ok
    assert [note for note in result.notes if note.startswith("services/alpha/app/main.py: you deleted it")]
    assert "ours in alpha\n" in project.read("services/beta/app/from_alpha.py")
    assert (project.path / "gateway/src/same.py").is_file()


def test_two_services_that_the_team_merged_into_one(project: Project) -> None:
    _edit_in(project, "alpha", "beta")
    project.git("mv", "services/beta/app", "services/alpha/beta")
    project.commit()
    assert project.run("remove-service", "beta", "--yes").returncode == 0
    assert "ours in beta\n" in project.read("services/alpha/beta/main.py")
    project.commit()
    project.template("python-service/app/main.py", "code 18\n", "theirs\n")
    assert project.update().ok
    assert "ours in beta\n" in project.read("services/alpha/beta/main.py")
    assert "theirs\n" in project.read("services/alpha/app/main.py")
    assert "theirs\n" not in project.read("services/alpha/beta/main.py")


def test_what_the_team_alone_calls_a_union_is_no_list(project: Project) -> None:
    """A team may give `merge=union` to any file; one that is no list must not lose a brace."""
    project.write(".gitattributes", project.read(".gitattributes") + "/gateway/src/app.ts merge=union\n")
    project.replace("gateway/src/app.ts", "line 5\n", "line 5\nours {\n}\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 15\n", "line 15\ntheirs {\n}\n")
    assert project.update().ok
    assert "ours {\n}\n" in project.read("gateway/src/app.ts")
    assert "theirs {\n}\n" in project.read("gateway/src/app.ts")


def test_a_manifest_that_is_a_link_is_refused(project: Project) -> None:
    (project.path / "dsscaffold.yaml").rename(project.path / "real.yaml")
    (project.path / "dsscaffold.yaml").symlink_to("real.yaml")
    project.commit()
    before = project.files()
    refused = project.run("add-service", "gamma", "--lang", "python")
    assert refused.returncode == 1
    assert "dsscaffold.yaml is a link" in refused.stderr
    assert project.files() == before


def test_a_deletion_that_is_not_committed_is_work_too(project: Project) -> None:
    """Else the file would come back, and come back for good with an abort."""
    (project.path / "gateway/src/app.ts").unlink()
    (project.path / "gateway/run.sh").unlink()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    before = project.files()
    with pytest.raises(DsscaffoldError, match=r"not committed: gateway/src/app\.ts\."):
        project.update()
    assert project.files() == before
    project.git("add", "gateway/src/app.ts")
    project.git("commit", "--quiet", "--message", "Not needed")
    assert project.update().ok
    assert not (project.path / "gateway/src/app.ts").exists()
    assert not (project.path / "gateway/run.sh").exists()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_took_the_place_of_a_folder_is_refused_until_it_is_committed(project: Project, kind: str) -> None:
    shutil.move(project.path / "services/alpha", project.path / "elsewhere")
    if kind == "link":
        (project.path / "services/alpha").symlink_to("../elsewhere")
    else:
        project.write("services/alpha", "It is elsewhere now.\n")
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    before = project.files()
    with pytest.raises(DsscaffoldError, match=r"not committed: services/alpha/app/main\.py\."):
        project.update()
    assert project.files() == before
    project.commit()
    assert project.update().ok
    assert "code 7\n" in project.read("elsewhere/app/main.py")
