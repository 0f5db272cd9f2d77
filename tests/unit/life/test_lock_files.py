"""Lock files after a merge: both sides' packages, a valid lock, no addresses. Real npm and uv, packages from disk."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from .project import Project, make_project, write_wheel

UV_ARGUMENTS = ["--universal", "--generate-hashes", "--no-annotate", "pyproject.toml", "-o", "requirements.txt"]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three packages for npm and for uv, and no way to any registry."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name in ("base-pkg", "ours-pkg", "theirs-pkg"):
        _npm_package(folder, name)
        write_wheel(folder, name, "1.0.0", {f"{name.replace('-', '_')}.py": b""})
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    return folder


def _npm_package(folder: Path, name: str) -> None:
    data = json.dumps({"name": name, "version": "1.0.0"}).encode()
    with tarfile.open(folder / f"{name}.tgz", "w:gz") as tar:
        info = tarfile.TarInfo("package/package.json")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))


def _package_json(shelf: Path, *names: str) -> str:
    dependencies = {name: f"file:{shelf / name}.tgz" for name in sorted(names)}
    return json.dumps({"name": "gateway", "private": True, "dependencies": dependencies}, indent=2) + "\n"


def _pyproject(*names: str) -> str:
    items = "".join(f'    "{name}>=1",\n' for name in sorted(names))
    return f'[project]\nname = "alpha"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = [\n{items}]\n'


def _npm(folder: Path) -> None:
    subprocess.run(["npm", "install", "--package-lock-only"], cwd=folder, check=True, capture_output=True)


def _uv(folder: Path) -> None:
    subprocess.run([find_uv_bin(), "pip", "compile", *UV_ARGUMENTS], cwd=folder, check=True, capture_output=True)


def _with_packages(tmp_path: Path, shelf: Path) -> Project:
    """Return a project in which both sides have added a package to the gateway and to the services."""
    project = make_project(tmp_path)
    gateway, service = project.templates / "gateway", project.templates / "python-service"

    def render(*names: str) -> None:
        (gateway / "package.json").write_text(_package_json(shelf, *names))
        (service / "pyproject.toml").write_text(_pyproject(*names))
        _npm(gateway)
        _uv(service)

    render("base-pkg")
    project.update()
    project.commit()
    project.write("gateway/package.json", _package_json(shelf, "base-pkg", "ours-pkg"))
    project.write("services/alpha/pyproject.toml", _pyproject("base-pkg", "ours-pkg"))
    _npm(project.path / "gateway")
    _uv(project.path / "services/alpha")
    project.commit()
    render("base-pkg", "theirs-pkg")
    return project


def _merge_manifests_by_hand(project: Project, shelf: Path) -> None:
    project.write("gateway/package.json", _package_json(shelf, "base-pkg", "ours-pkg", "theirs-pkg"))
    project.write("services/alpha/pyproject.toml", _pyproject("base-pkg", "ours-pkg", "theirs-pkg"))


def _assert_locks_are_whole(project: Project) -> None:
    lock = json.loads(project.read("gateway/package-lock.json"))
    assert {"node_modules/base-pkg", "node_modules/ours-pkg", "node_modules/theirs-pkg"} < lock["packages"].keys()
    subprocess.run(["npm", "ci"], cwd=project.path / "gateway", check=True, capture_output=True)
    requirements = project.read("services/alpha/requirements.txt")
    assert "://" not in requirements
    for name in ("base-pkg", "ours-pkg", "theirs-pkg"):
        assert f"{name}==1.0.0 \\\n    --hash=sha256:" in requirements
    folder = project.path / "services/alpha"
    subprocess.run([find_uv_bin(), "venv", "--quiet", "--python", sys.executable], cwd=folder, check=True)
    # Named, or uv would empty the environment that these tests run in.
    python = str(folder / ".venv/bin/python")
    sync = [find_uv_bin(), "pip", "sync", "--python", python, "--require-hashes", "requirements.txt"]
    subprocess.run(sync, cwd=folder, check=True, capture_output=True)


def test_both_sides_packages_end_up_in_a_valid_lock(tmp_path: Path, shelf: Path) -> None:
    project = _with_packages(tmp_path, shelf)
    dry = project.run("update", "--dry-run")
    assert "gateway/package-lock.json: both changed the packages; it would be locked again" in dry.stdout
    result = project.update()
    assert result.conflicts == (), result.conflicts
    assert [
        note for note in result.notes if note.startswith("services/alpha/requirements.txt: ") and "locked again" in note
    ]
    assert "://" not in project.read("gateway/package-lock.json").replace("file:", "")
    _assert_locks_are_whole(project)
    project.commit()
    assert project.update().files == ()


def _disagree(project: Project) -> None:
    """Let both sides change the same line of their manifests, which names no package."""
    package, pyproject = ('"private": true', '"private": "{}"'), ('version = "0.1.0"', 'version = "0.1.{}"')
    project.replace("gateway/package.json", package[0], package[1].format("ours"))
    project.replace("services/alpha/pyproject.toml", pyproject[0], pyproject[1].format(1))
    project.template("gateway/package.json", package[0], package[1].format("theirs"))
    project.template("python-service/pyproject.toml", pyproject[0], pyproject[1].format(2))
    project.commit()


def test_a_manifest_in_conflict_comes_first_and_the_command_is_said(tmp_path: Path, shelf: Path) -> None:
    project = _with_packages(tmp_path, shelf)
    _disagree(project)
    result = project.update()
    reasons = {conflict.path: conflict.reason for conflict in result.conflicts}
    assert reasons["gateway/package-lock.json"].startswith(
        "resolve gateway/package.json first, then: (cd gateway && npm"
    )
    assert "uv pip compile --universal --generate-hashes" in reasons["services/alpha/requirements.txt"]
    _merge_manifests_by_hand(project, shelf)
    for path in ("gateway/package-lock.json", "services/alpha/requirements.txt"):
        command = reasons[path].partition("then: ")[2].replace("uv pip", f"{find_uv_bin()} pip")
        project.git("checkout", "--theirs", path)
        subprocess.run(["sh", "-c", command], cwd=project.path, check=True, capture_output=True)
    _assert_locks_are_whole(project)


def test_without_npm_a_clear_conflict_is_left(tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = _with_packages(tmp_path, shelf)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "git").symlink_to(subprocess.check_output(["which", "git"], text=True).strip())
    monkeypatch.setenv("PATH", str(binaries))
    result = project.update()
    (conflict,) = result.conflicts
    assert conflict.path == "gateway/package-lock.json"
    assert "npm is not installed" in conflict.reason
    assert "(cd gateway && npm install --package-lock-only" in conflict.reason
    assert "gateway/package-lock.json" in project.git("ls-files", "--unmerged")


def test_a_lock_that_only_one_side_changed_is_taken_as_it_is(tmp_path: Path, shelf: Path) -> None:
    project = _with_packages(tmp_path, shelf)
    wanted = (project.templates / "python-service/requirements.txt").read_bytes()
    project.replace("services/beta/pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    project.commit()
    result = project.update()
    assert (project.path / "services/beta/requirements.txt").read_bytes() == wanted
    assert not [note for note in result.notes if "beta" in note]


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [("1.1.0", "1.0.0", "1.1.0"), ("1.1.0", "1.2.0", "1.2.0"), ("1.2.0", "1.1.0", "1.2.0")],
)
def test_a_pin_that_the_team_has_changed_stays_unless_the_templates_have_a_newer_one(
    tmp_path: Path, shelf: Path, ours: str, theirs: str, wanted: str
) -> None:
    project = _with_packages(tmp_path, shelf)
    for version in ("1.1.0", "1.2.0"):
        write_wheel(shelf, "base-pkg", version, {"base_pkg.py": b""})
    for folder, version in ((project.path / "services/alpha", ours), (project.templates / "python-service", theirs)):
        upgrade = ["--upgrade-package", f"base-pkg=={version}"]
        command = [find_uv_bin(), "pip", "compile", *UV_ARGUMENTS, *upgrade]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    project.commit()
    assert project.update().conflicts == ()
    assert f"\nbase-pkg=={wanted} \\\n" in project.read("services/alpha/requirements.txt")


@pytest.mark.parametrize("line", ["ours-pkg==1.0.0\n", "# ours-pkg comes later\n", "-r more.txt\n"])
def test_what_the_team_wrote_into_a_lock_file_by_hand_is_a_conflict(tmp_path: Path, shelf: Path, line: str) -> None:
    project = _with_packages(tmp_path, shelf)
    project.git("checkout", "--quiet", "HEAD~1", "--", "services/alpha")
    path = "services/alpha/requirements.txt"
    project.write(path, project.read(path) + line)
    project.commit()
    conflicts = {conflict.path: conflict.reason for conflict in project.update().conflicts}
    assert "pyproject.toml does not ask for" in conflicts[path]
    assert line.strip().removesuffix("==1.0.0") in conflicts[path]
    assert line in project.read(path)
