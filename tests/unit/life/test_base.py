"""The base of a merge: it survives what happens to repositories, and is never guessed."""

from __future__ import annotations

import io
import lzma
import subprocess
import tarfile
from pathlib import Path

import pytest

from dsscaffold import __version__
from dsscaffold.commands.add_service import run_add_service
from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.change import Options

from .project import Project, write_wheel

ARCHIVE = ".dsscaffold/templates.tar.xz"


def _edit_both(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 2\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 18\n", "theirs\n")


def test_clone_squash_depth_1_offline(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _edit_both(project)
    project.git("switch", "--quiet", "--orphan", "fresh")
    project.git("checkout", "main", "--", ".")
    project.git("commit", "--quiet", "--message", "Squashed")
    for number in range(3):
        project.write("notes.txt", f"{number}\n")
        project.commit()
    clone = tmp_path / "clone"
    source = f"file://{project.path}"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", "--branch", "fresh", source, str(clone)], check=True)
    shallow = Project(clone, project.templates)
    shallow.git("remote", "remove", "origin")
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert shallow.update(Options(commit=True)).ok
    text = shallow.read("gateway/src/app.ts")
    assert "ours\n" in text
    assert "theirs\n" in text
    assert shallow.git("rev-list", "--count", "HEAD").strip() == "2"
    assert shallow.update().files == ()


def test_without_the_archive_the_same_templates_will_do_and_bring_it_back(project: Project) -> None:
    whole = (project.path / ARCHIVE).read_bytes()
    project.git("rm", "--quiet", ARCHIVE)
    project.replace("gateway/src/app.ts", "line 2\n", "ours\n")
    project.commit()
    result = project.update()
    assert [file.path for file in result.files] == [ARCHIVE]
    assert (project.path / ARCHIVE).read_bytes() == whole


@pytest.mark.parametrize("how", ["missing", "not xz", "cut off", "changed", "an escape"])
def test_a_base_is_never_guessed(project: Project, how: str, tmp_path: Path) -> None:
    archive = project.path / ARCHIVE
    whole = archive.read_bytes()
    archive.write_bytes({"not xz": b"nonsense", "cut off": whole[:-40]}.get(how, whole))
    if how == "missing":
        archive.unlink()
    elif how in ("changed", "an escape"):
        name = "repo/README.md" if how == "changed" else "../../escaped"
        archive.write_bytes(_archive_of(name))
    _edit_both(project)
    before = project.files()
    with pytest.raises(DsscaffoldError, match=f"{ARCHIVE} (is missing|was changed)") as caught:
        project.update()
    assert f"fetch release {__version__}: dsscaffold update --fetch-base" in (caught.value.hint or "")
    with pytest.raises(DsscaffoldError, match="nothing to merge against"):
        run_add_service(project.path, "gamma", "python", None, Options())
    assert project.files() == before
    assert not list(tmp_path.rglob("escaped"))


def test_an_archive_whose_sum_was_changed_too_does_not_leave_its_folder(project: Project, tmp_path: Path) -> None:
    import hashlib

    raw = lzma.decompress(_archive_of("../../escaped"))
    (project.path / ARCHIVE).write_bytes(lzma.compress(raw))
    applied = project.read(".dsscaffold/applied.yaml")
    start = applied.index("sha256:") + 7
    project.write(".dsscaffold/applied.yaml", applied[:start] + hashlib.sha256(raw).hexdigest() + applied[start + 64 :])
    project.commit()
    with pytest.raises(DsscaffoldError, match="was changed"):
        project.update()
    assert not list(tmp_path.rglob("escaped"))


def _archive_of(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    return lzma.compress(buffer.getvalue())


def test_templates_of_an_archive_run_nothing(project: Project, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    settings = project.templates / "copier.yml"
    settings.write_text(settings.read_text() + f"_tasks:\n  - touch {ran}\n_migrations:\n  - touch {ran}\n")
    project.update(Options(commit=True))
    project.template("gateway/src/app.ts", "line 18\n", "theirs\n")
    assert project.update().ok
    assert not ran.exists()


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only package index there is."""
    folder = tmp_path / "releases"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def _release(project: Project, releases: Path, version: str) -> None:
    """Publish the templates as they are as `version`, and say that it rendered the project, whose archive is lost."""
    files = {str(path.relative_to(project.templates)): path for path in project.templates.rglob("*") if path.is_file()}
    packed = {f"dsscaffold/_templates/{name}": path.read_bytes() for name, path in files.items()}
    runnable = tuple(name for name in packed if name.endswith(".sh"))
    write_wheel(releases, "dsscaffold", version, {**packed, "dsscaffold/__init__.py": b"raise SystemExit"}, runnable)
    project.replace(".dsscaffold/applied.yaml", f"version: {__version__}", f"version: {version}")
    project.git("rm", "--quiet", ARCHIVE)


def test_a_lost_archive_is_fetched_from_the_release_if_that_is_asked_for(project: Project, releases: Path) -> None:
    _release(project, releases, "0.0.9")
    _edit_both(project)
    before = project.files()
    refused = project.run("update")
    assert refused.returncode == 1
    assert "fetch release 0.0.9: dsscaffold update --fetch-base" in refused.stderr
    assert project.files() == before, "nobody goes to the network unasked"
    assert project.run("update", "--fetch-base", "--commit").returncode == 0
    text = project.read("gateway/src/app.ts")
    assert "ours\n" in text
    assert "theirs\n" in text
    assert (project.path / ARCHIVE).is_file()
    assert project.update().files == ()


def test_a_release_with_other_templates_is_no_base(project: Project, releases: Path) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "another\n")
    _release(project, releases, "0.0.9")
    _edit_both(project)
    before = project.files()
    refused = project.run("update", "--fetch-base")
    assert refused.returncode == 1
    assert "Release 0.0.9 of dsscaffold holds other templates" in refused.stderr
    assert project.files() == before


def test_a_release_that_cannot_be_had_is_said_with_the_command(project: Project, releases: Path) -> None:
    _release(project, releases, "0.0.9")
    (releases / "dsscaffold-0.0.9-py3-none-any.whl").unlink()
    _edit_both(project)
    refused = project.run("update", "--fetch-base")
    assert refused.returncode == 1
    assert "dsscaffold 0.0.9 could not be downloaded" in refused.stderr
    assert "No matching distribution" in refused.stderr
    assert "pip download --no-deps dsscaffold==0.0.9" in refused.stderr


def test_a_base_older_than_the_cli_is_merged_and_the_version_noted(project: Project) -> None:
    project.replace(".dsscaffold/applied.yaml", f"version: {__version__}", "version: 0.0.9")
    _edit_both(project)
    result = project.update()
    assert (result.version_from, result.version_to) == ("0.0.9", __version__)
    assert f"version: {__version__}\n" in project.read(".dsscaffold/applied.yaml")
    assert "theirs\n" in project.read("gateway/src/app.ts")


def test_add_service_keeps_the_version_that_rendered_the_rest(project: Project) -> None:
    project.replace(".dsscaffold/applied.yaml", f"version: {__version__}", "version: 0.0.9")
    project.commit()
    run_add_service(project.path, "gamma", "python", None, Options())
    assert "version: 0.0.9\n" in project.read(".dsscaffold/applied.yaml")


@pytest.mark.parametrize("arguments", [("update",), ("add-service", "x", "--lang", "java"), ("diff",)])
def test_a_cli_older_than_the_repository_is_refused(project: Project, arguments: tuple[str, ...]) -> None:
    project.replace(".dsscaffold/applied.yaml", f"version: {__version__}", "version: 99.10.1")
    project.commit()
    refused = project.run(*arguments)
    assert refused.returncode == 1
    assert "at dsscaffold 99.10.1" in refused.stderr
    assert "that version or a newer one" in refused.stderr
    assert project.status() == ""


def test_an_applied_state_with_conflict_markers_is_one_clear_error(project: Project) -> None:
    project.write(".dsscaffold/applied.yaml", "<<<<<<< a\nversion: 1\n=======\n>>>>>>> b\n")
    project.commit()
    with pytest.raises(DsscaffoldError, match="conflict markers"):
        project.update()


def test_outside_of_a_project_it_says_so(project: Project) -> None:
    (project.path / "dsscaffold.yaml").unlink()
    gone = project.run("update")
    assert gone.returncode == 1
    assert "git checkout HEAD -- dsscaffold.yaml" in gone.stderr
    project.git("rm", "--quiet", "-r", ".dsscaffold")
    nothing = project.run("update")
    assert nothing.returncode == 2
    assert "dsscaffold new" in nothing.stderr


def test_two_files_for_two_manifests_keep_comments(project: Project) -> None:
    manifest = project.read("dsscaffold.yaml")
    project.write("dsscaffold.yaml", manifest.replace("  beta:", "  # ours, on beta\n  beta:") + "# the end\n")
    project.commit()
    run_add_service(project.path, "azure", "java", None, Options())
    assert project.read("dsscaffold.yaml").endswith(
        "  alpha: {lang: python}\n  azure: {lang: java}\n  # ours, on beta\n  beta: {lang: python}\n# the end\n"
    )
