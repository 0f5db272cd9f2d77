"""Repositories as teams have them: hooks, filters, line ends, sparse and linked work trees, detached heads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dsscaffold.commands.add_service import run_add_service
from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.change import Options

from .project import Project, make_project


def _both_edit(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 2\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 18\n", "theirs\n")
    project.add_template("gateway/src/added.ts", "added\n")


def _assert_merged(project: Project) -> None:
    text = project.read("gateway/src/app.ts").replace("\r\n", "\n")
    assert "ours\n" in text
    assert "theirs\n" in text
    assert project.read("gateway/src/added.ts").replace("\r\n", "\n") == "added\n"
    assert project.git("diff", "--name-only") == "", "what is staged is what lies in the work tree"


def test_hooks_of_the_team_run_on_its_commits_only(project: Project) -> None:
    _both_edit(project)
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction", "post-merge"):
        hook = project.path / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {project.path.parent}/ran\necho refused >&2\nexit 1\n")
        hook.chmod(0o755)
    project.update()
    assert not (project.path.parent / "ran").exists()
    _assert_merged(project)
    assert project.run("update", "--abort").returncode == 0
    refused = project.run("update", "--commit")
    assert refused.returncode == 1
    assert "refused" in refused.stderr
    _assert_merged(project)


def test_signing_is_the_persons_business(project: Project) -> None:
    _both_edit(project)
    project.git("config", "commit.gpgSign", "true")
    project.git("config", "gpg.program", "false")
    project.update()
    _assert_merged(project)


@pytest.mark.parametrize("autocrlf", ["true", "input"])
@pytest.mark.parametrize("attributes", [True, False])
def test_autocrlf(project: Project, autocrlf: str, attributes: bool) -> None:
    if not attributes:
        (project.path / ".gitattributes").unlink()
        project.commit()
    project.git("config", "core.autocrlf", autocrlf)
    _both_edit(project)
    assert project.update().ok
    _assert_merged(project)
    project.commit()
    assert project.update().files == ()


def test_a_file_that_the_team_turned_to_crlf_loses_no_line(project: Project) -> None:
    (project.path / ".gitattributes").unlink()
    project.commit()
    project.write("gateway/src/app.ts", project.read("gateway/src/app.ts").replace("\n", "\r\n") + "ours\r\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    assert [conflict.path for conflict in project.update().conflicts] == ["gateway/src/app.ts"]
    assert "ours\r\n" in project.read("gateway/src/app.ts")
    assert "theirs" in project.read("gateway/src/app.ts")


def test_a_template_with_crlf_is_kept_as_git_keeps_it(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.add_template("gateway/run.cmd", "@echo off\r\nrem 1\r\nrem 2\r\nrem 3\r\n")
    project.update(Options(commit=True))
    assert project.status() == ""
    project.write("gateway/run.cmd", project.read("gateway/run.cmd").replace("@echo off", "@echo ours"))
    project.commit()
    project.template("gateway/run.cmd", "rem 3\r\n", "rem theirs\r\n")
    assert project.update().ok
    text = project.read("gateway/run.cmd")
    assert "ours" in text
    assert "theirs" in text


def test_a_filter_of_the_team_is_applied_to_both_renderings(project: Project) -> None:
    """As with git-lfs: what git keeps is not what lies in the work tree."""
    project.git("config", "filter.rot.clean", "tr a-z b-za")
    project.git("config", "filter.rot.smudge", "tr b-za a-z")
    project.write(".gitattributes", project.read(".gitattributes") + "*.ts filter=rot\n")
    project.git("add", "--renormalize", ".")
    _both_edit(project)
    assert project.git("show", "HEAD:gateway/src/app.ts").startswith("mjof 1\npvst\n")
    assert project.update().ok
    _assert_merged(project)
    assert project.git("show", ":gateway/src/added.ts") == "beefe\n"
    project.commit()
    assert project.update().files == ()


def test_a_merge_driver_of_the_team_is_used(project: Project) -> None:
    project.git("config", "merge.mine.driver", "echo driven > %A")
    project.write(".gitattributes", project.read(".gitattributes") + "/gateway/src/app.ts merge=mine\n")
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    assert project.update().ok
    assert project.read("gateway/src/app.ts") == "driven\n"


def test_detached_head(project: Project) -> None:
    _both_edit(project)
    project.git("checkout", "--quiet", "--detach")
    project.update()
    _assert_merged(project)


def test_linked_work_tree(project: Project) -> None:
    _both_edit(project)
    project.git("worktree", "add", "--quiet", "../linked", "-b", "linked")
    linked = Project(project.path.parent / "linked", project.templates)
    linked.update()
    _assert_merged(linked)
    assert project.status() == ""


def test_a_project_in_a_folder_of_a_larger_repository(tmp_path: Path) -> None:
    project = make_project(tmp_path / "outer", use_git=False)
    outer = Project(tmp_path / "outer", project.templates)
    outer.write("README.md", "the outer one\n")
    outer.git("init", "--quiet")
    outer.write(".gitignore", "/templates/\n")
    outer.commit()
    _both_edit(project)
    outer.commit() if outer.status() else None
    result = project.update()
    assert "demo/gateway/src/added.ts" in {file.path for file in result.files}
    _assert_merged(project)
    project.commit()
    run_add_service(project.path, "gamma", "python", None, Options(commit=True))
    assert project.read("services/gamma/app/main.py").startswith("code 1\n")
    assert project.update().files == ()
    assert outer.read("README.md") == "the outer one\n"


def test_a_submodule_is_left_alone(project: Project, tmp_path: Path) -> None:
    other = make_project(tmp_path / "other")
    project.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "services/alpha/lib"
    )
    _both_edit(project)
    project.git("config", "submodule.recurse", "true")
    head = project.git("ls-tree", "HEAD", "services/alpha/lib")
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    assert project.update().ok
    _assert_merged(project)
    assert project.git("ls-files", "--stage", "services/alpha/lib").split()[1] == head.split()[2]
    assert (project.path / "services/alpha/lib/dsscaffold.yaml").is_file()


@pytest.mark.parametrize("sparse_index", ["--sparse-index", "--no-sparse-index"])
def test_sparse_checkout(project: Project, sparse_index: str) -> None:
    project.replace("services/beta/app/main.py", "code 7\n", "ours\n")
    _both_edit(project)
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    project.git("sparse-checkout", "set", "--cone", sparse_index, "gateway", "services/alpha")
    assert not (project.path / "services/beta").exists()
    before = project.files()
    project.update()
    assert project.run("update", "--abort").returncode == 0
    assert project.files() == before
    result = project.update()
    assert [conflict.path for conflict in result.conflicts] == ["services/beta/app/main.py"]
    assert "ours\n" in project.read("services/beta/app/main.py"), "a file in conflict has to be there to be edited"
    assert not (project.path / "services/beta/README.md").exists()
    assert "theirs\n" in project.read("services/alpha/app/main.py")
    assert "theirs\n" in project.read("gateway/src/app.ts")


def test_links_modes_and_odd_names(project: Project) -> None:
    (project.path / "gateway/link").symlink_to("src/app.ts")
    (project.path / "gateway/src/app.ts").chmod(0o755)
    (project.path / "gateway/run.sh").chmod(0o644)
    for name in ("ü ber.txt", 'quo"te.txt', "new\nline.txt", "tab\t.txt", "back\\slash.txt", "日本.txt"):
        project.write(f"gateway/src/old/{name}", f"{name}\n")
    (project.path / "gateway/logo.png").unlink()
    (project.path / "gateway/logo.png").symlink_to("elsewhere")
    _both_edit(project)
    (project.templates / "gateway/src/old").rename(project.templates / "gateway/src/new")
    project.template("gateway/run.sh", "true", "false")
    assert project.update().ok
    _assert_merged(project)
    assert (project.path / "gateway/link").readlink() == Path("src/app.ts")
    assert (project.path / "gateway/src/app.ts").stat().st_mode & 0o100
    assert not (project.path / "gateway/run.sh").stat().st_mode & 0o100
    assert (project.path / "gateway/logo.png").is_symlink()
    for name in ("ü ber.txt", 'quo"te.txt', "new\nline.txt", "tab\t.txt", "back\\slash.txt", "日本.txt"):
        assert project.read(f"gateway/src/new/{name}") == f"{name}\n"


def test_a_folder_that_became_a_link_is_not_written_through(project: Project) -> None:
    shutil.move(project.path / "gateway/src", project.path / "web")
    (project.path / "gateway/src").symlink_to("../web")
    project.commit()
    before = project.read("web/app.ts")
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.update()
    assert project.read("web/app.ts") == before
    assert (project.path / "gateway/src").is_symlink()


def test_without_a_commit_it_says_what_to_do(tmp_path: Path) -> None:
    project = make_project(tmp_path, use_git=False)
    with pytest.raises(DsscaffoldError, match="not a git repository") as caught:
        project.update()
    assert "git init" in (caught.value.hint or "")
    project.git("init", "--quiet")
    with pytest.raises(DsscaffoldError, match="no commit yet") as caught:
        project.update()
    assert "git commit" in (caught.value.hint or "")
    project.commit()
    assert project.update().files == ()


def test_an_unfinished_merge_is_finished_first(project: Project) -> None:
    project.git("switch", "--quiet", "--create", "side")
    project.replace("gateway/src/app.ts", "line 7\n", "side\n")
    project.commit()
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-commit", "--no-ff", "side")
    with pytest.raises(DsscaffoldError, match="merge is not finished"):
        project.update()


def test_a_person_who_turned_renames_off_loses_nothing(project: Project) -> None:
    for key in ("merge.renames", "diff.renames", "merge.directoryRenames"):
        project.git("config", key, "false")
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.write("gateway/src/old/ours.ts", "ours\n")
    project.commit()
    (project.templates / "gateway/src/app.ts").rename(project.templates / "gateway/src/main.ts")
    (project.templates / "gateway/src/old").rename(project.templates / "gateway/src/new")
    assert project.update().ok
    assert "ours\n" in project.read("gateway/src/main.ts")
    assert project.read("gateway/src/new/ours.ts") == "ours\n"


def test_sha256_repository(tmp_path: Path) -> None:
    project = make_project(tmp_path, use_git=False)
    project.git("init", "--quiet", "--object-format=sha256")
    project.commit()
    _both_edit(project)
    project.update()
    _assert_merged(project)


def test_an_old_git_is_refused_with_its_version(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "git").write_text('#!/bin/sh\n[ "$1" = --version ] && echo "git version 2.37.9"\n')
    (binaries / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(binaries))
    with pytest.raises(DsscaffoldError, match=r"git 2\.38 or newer; here is git version 2\.37\.9"):
        project.update()


def test_a_file_that_is_utf_16_in_the_work_tree(project: Project) -> None:
    attributes = project.read(".gitattributes") + "/gateway/src/app.ts text working-tree-encoding=UTF-16LE-BOM\n"
    project.write(".gitattributes", attributes)
    text = project.read("gateway/src/app.ts").replace("line 2\n", "öurs\n")
    project.write("gateway/src/app.ts", b"\xff\xfe" + text.encode("utf-16-le"))
    project.commit()
    project.template("gateway/src/app.ts", "line 18\n", "theirs\n")
    assert project.update().ok
    merged = (project.path / "gateway/src/app.ts").read_bytes().decode("utf-16")
    assert merged == text.replace("line 18\n", "theirs\n")
    project.commit()
    assert project.update().files == ()
