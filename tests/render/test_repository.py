"""What a team keeps besides the code: pages, workflow, Makefile, settings, tests of the running stack."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from uv import find_uv_bin

from dsscaffold.commands.new import run_new
from dsscaffold.project.catalogue import find_templates, load_catalogue
from dsscaffold.project.manifest import Manifest, Service, load_manifest

from .combinations import ORDERS, PROFILES
from .conftest import run_check
from .repository import named_paths, read_yaml, services_of


def test_every_yaml_and_json_file_parses(repo: Path) -> None:
    for path in [*repo.rglob("*.yaml"), *repo.rglob("*.yml")]:
        assert list(yaml.safe_load_all(path.read_text())), path
    # tsconfig.json may have comments, and has.
    for path in {*repo.rglob("*.json")} - {*repo.rglob("tsconfig.json")}:
        json.loads(path.read_text())


def test_every_path_that_a_page_names_is_there(repo: Path) -> None:
    pages = [repo / "README.md", repo / "AGENTS.md", *repo.glob("docs/**/*.md"), *repo.glob("contracts/*.md")]
    for page in pages:
        named = named_paths(page.read_text(), repo)
        assert [name for name in named if not (repo / name).exists()] == [], page


def test_each_pattern_has_a_page_that_says_what_to_read_and_how_to_break_it(repo: Path) -> None:
    manifest = read_yaml(repo / "dsscaffold.yaml")
    pages = {page.stem for page in repo.glob("docs/patterns/*.md")}
    assert set(manifest.get("patterns") or []) <= pages
    for page in pages:
        headings = re.findall(r"^## (.+)$", (repo / "docs" / "patterns" / f"{page}.md").read_text(), re.MULTILINE)
        assert {"Read it in this order", "Break it"} <= set(headings), page


def test_no_blank_service_can_be_called_as_the_gateways_own_calls(repo: Path) -> None:
    catalogue = load_catalogue(find_templates(None))
    manifest = load_manifest(repo / "dsscaffold.yaml", catalogue)
    entries = [catalogue.patterns[name] for name in manifest.patterns]
    entries += [catalogue.roles[service.role] for service in manifest.services if service.role]
    sources = [path.read_text() for path in (repo / "gateway" / "src" / "routes").glob("*.ts")]
    calls = {word for text in sources for word in re.findall(r"""["'`]/api/([a-z][a-z-]*)""", text)}
    assert calls == {name for entry in entries for name in entry.requires.reserves}


def test_one_more_service_changes_no_file_that_two_branches_would_fight_over(tmp_path: Path) -> None:
    """Files of the root that name services are lists which git unites (.gitattributes); all others name none."""
    catalogue = load_catalogue(find_templates(None))

    def render(services: tuple[Service, ...]) -> dict[str, str]:
        repo = tmp_path / str(len(services)) / "shop"
        run_new(Manifest("shop", "kafka", ("orders",), services), catalogue, repo, use_git=False)
        paths = (path for path in repo.rglob("*") if path.is_file() and path.suffix != ".xz")
        texts = {str(path.relative_to(repo)): path.read_text() for path in paths}
        return {path: text for path, text in texts.items() if not path.startswith(("services/", ".dsscaffold/"))}

    before, after = render((ORDERS, PROFILES)), render((Service("notes", "python"), ORDERS, PROFILES))
    united = re.findall(r"^/(\S+) merge=union", before[".gitattributes"], re.MULTILINE)
    differing = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    # A service that is added is asked by the gateway's clients, not by the gateway itself.
    assert differing == {*united, "dsscaffold.yaml"} - {"gateway/upstreams.env"}


def test_env_example_names_every_variable_that_compose_reads(repo: Path) -> None:
    fragments = ["compose.yaml", *read_yaml(repo / "compose.yaml")["include"]]
    read = {name for file in fragments for name in re.findall(r"\$\{(\w+)", (repo / file).read_text())}
    lines = (repo / ".env.example").read_text().splitlines()
    offered = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert offered == read


def _workflow(repo: Path) -> dict[str, dict[str, object]]:
    jobs: dict[str, dict[str, object]] = read_yaml(repo / ".github" / "workflows" / "ci.yaml")["jobs"]
    return jobs


def test_the_matrix_of_the_workflow_names_every_service(repo: Path, tmp_path: Path) -> None:
    steps = _workflow(repo)["services"]["steps"]
    assert isinstance(steps, list)
    (script,) = [step["run"] for step in steps if step.get("id") == "list"]
    output = tmp_path / "output"
    run_check(repo, "bash", "-e", "-c", script, GITHUB_OUTPUT=str(output))
    assert json.loads(output.read_text().removeprefix("python=")) == [f"services/{name}" for name in services_of(repo)]


def test_actions_are_pinned_by_commit(repo: Path) -> None:
    text = (repo / ".github" / "workflows" / "ci.yaml").read_text()
    used = re.findall(r"uses: (.+)", text)
    assert used
    assert [use for use in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", use)] == []


def test_known_files_obey_their_public_schemas(repo: Path) -> None:
    files = {
        "github-workflows": [".github/workflows/ci.yaml"],
        "renovate": ["renovate.json"],
        "compose-spec": ["compose.yaml", *read_yaml(repo / "compose.yaml")["include"]],
    }
    for schema, names in files.items():
        run_check(repo, sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *names)


def test_renovate_understands_the_command_in_the_head_of_every_lock_file(repo: Path) -> None:
    """Its manager pip-compile refuses a file whose head has an option that it does not know or spells otherwise."""
    settings = json.loads((repo / "renovate.json").read_text())
    patterns = [pattern.strip("/") for pattern in settings["pip-compile"]["managerFilePatterns"]]
    known = r"--universal|--generate-hashes|--(python-version|group|output-file)=\S+"
    locks = [path for path in repo.rglob("*.txt") if "autogenerated by uv" in path.read_text()[:200]]
    assert locks
    for lock in locks:
        name = str(lock.relative_to(repo))
        assert any(re.search(pattern, name) for pattern in patterns), name
        head = lock.read_text().splitlines()[1]
        assert head.startswith("#    uv pip compile "), name
        *options, source = head.removeprefix("#    uv pip compile ").split()
        assert [option for option in options if not re.fullmatch(known, option)] == [], name
        assert f"--output-file={lock.name}" in options
        assert (lock.parent / source).is_file(), name


@pytest.mark.parametrize("verb", ["help", "up", "down", "test", "lint", "format"])
def test_make_knows_the_verb(repo: Path, verb: str) -> None:
    run_check(repo, "make", "--dry-run", "--warn-undefined-variables", verb)


def test_make_covers_every_part(repo: Path) -> None:
    lint = _make_dry_run(repo, "lint")
    for part in ["gateway", "tests/system", *(f"services/{name}" for name in services_of(repo))]:
        assert f"cd {part} && " in lint
    assert "cd tests/system" not in _make_dry_run(repo, "test")
    assert "cd gateway" not in _make_dry_run(repo, "test", "PART=tests/system")


def test_make_refuses_a_part_that_is_not_there(repo: Path) -> None:
    result = subprocess.run(
        ["make", "--dry-run", "test", "PART=services/nowhere"], cwd=repo, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "services/nowhere" in result.stderr


def _make_dry_run(repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["make", "--dry-run", *arguments], cwd=repo, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="session")
def system_tests(repos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with what tests/system needs; its lock file is the same in every combination."""
    folder = tmp_path_factory.mktemp("system")
    lock = repos["shop"] / "tests" / "system" / "requirements-dev.txt"
    run_check(folder, find_uv_bin(), "venv", "--quiet", "--python", sys.executable, "venv")
    environment = str(folder / "venv" / "bin" / "python")
    run_check(folder, find_uv_bin(), "pip", "sync", "--quiet", "--require-hashes", "--python", environment, str(lock))
    return folder / "venv" / "bin"


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all combinations: most of it is about packages, which are the same."""
    return tmp_path_factory.mktemp("mypy")


def test_the_system_tests_pass_their_own_checks(
    repo: Path, system_tests: Path, mypy_cache: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(repo, tmp_path / "repo") / "tests" / "system"
    run_check(folder, str(system_tests / "ruff"), "check", "--no-cache", ".")
    run_check(folder, str(system_tests / "ruff"), "format", "--no-cache", "--check", ".")
    run_check(folder, str(system_tests / "mypy"), "--cache-dir", str(mypy_cache))
    run_check(folder, str(system_tests / "python"), "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")


def test_the_contracts_agree_with_each_other(repo: Path, system_tests: Path, tmp_path: Path) -> None:
    if not (repo / "contracts").exists():
        return
    folder = shutil.copytree(repo, tmp_path / "repo") / "tests" / "system"
    without_a_stack = ["-k", "example or asyncapi", "-p", "no:cacheprovider"]
    run_check(folder, str(system_tests / "python"), "-m", "pytest", "-q", *without_a_stack, "test_contracts.py")
