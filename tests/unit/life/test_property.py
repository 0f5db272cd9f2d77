"""Whatever the templates and the team do: each line that the team wrote is in the result or inside a conflict.

`DSSCAFFOLD_EXAMPLES=2000 pytest tests/unit/life/test_property.py` looks longer.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.results import ChangeResult

from .deeds import (
    BINARY,
    DIRT,
    FOLDERS,
    NAMES,
    SETTINGS,
    TEMPLATE_FOLDERS,
    TEMPLATE_TEXTS,
    TEXTS,
    Step,
    act,
    copied,
    leave_work,
    let_work,
    steps,
)
from .project import Project, make_project

TEAM = steps(
    TEXTS,
    FOLDERS,
    {"add": NAMES, "chmod": TEXTS, "crlf": TEXTS, "link": TEXTS, "binary": [BINARY], "folder": ["gateway/src/app.ts"]},
)
THEIRS = steps(
    TEMPLATE_TEXTS,
    TEMPLATE_FOLDERS,
    {"add": ["gateway/plain.txt", "gateway/src/x.ts", "repo/-dash"], "binary": [BINARY], "chmod": ["gateway/run.sh"]},
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to copy: rendering one for each example would be most of the time."""
    folder = tmp_path_factory.mktemp("origin")
    make_project(folder)
    return folder


def _shape(project: Project, tree: str) -> dict[str, str]:
    listed = project.git("ls-tree", "-r", "-z", tree).split("\0")[:-1]
    return {line.split("\t", 1)[1]: line.split("\t", 1)[0] for line in listed}


EXAMPLES = int(os.environ.get("DSSCAFFOLD_EXAMPLES", "40"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    # The same examples every time, unless somebody asks for a longer look.
    derandomize="DSSCAFFOLD_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    team=TEAM,
    theirs=THEIRS,
    dirt=DIRT,
    setting=st.sampled_from(sorted(SETTINGS)),
    abort=st.sampled_from(["not", "ours", "as told"]),
)
@example(
    team=[Step("link", "gateway/src/app.ts", 1), Step("move", "gateway/src", 2)],
    theirs=[Step("move", "gateway/src/old", 1), Step("edit", "gateway/src/app.ts", 3)],
    dirt=[],
    setting="plain",
    abort="ours",
)
@example(
    team=[Step("chop", "compose.yaml", 1)],
    theirs=[Step("edit", "compose/compose.yaml.jinja", 4)],
    dirt=[],
    setting="plain",
    abort="not",
)
@example(
    team=[Step("edit", "gateway/src/app.ts", 1)],
    theirs=[Step("edit", "gateway/src/app.ts", 18)],
    dirt=[Step("missing", "gateway/src/app.ts", 1)],
    setting="plain",
    abort="ours",
)
def test_no_line_of_the_team_is_lost(
    origin: Path, team: list[Step], theirs: list[Step], dirt: list[Step], setting: str, abort: str
) -> None:
    with copied(origin) as project:
        base = _shape(project, "HEAD")
        project, kept = let_work(project, team, setting)
        for number, step in enumerate(theirs):
            act(project.templates, step, f"theirs-{number}-word" if step.verb != "add" else "")
        loose = leave_work(project, dirt)
        before = _all_of(project)
        counts = {word: project.everything().count(word.encode()) for word in kept}
        result = _updated(project)
        if isinstance(result, DsscaffoldError):
            assert dirt, result.message
            assert result.hint, result.message
            assert _all_of(project) == before
            return
        if abort != "not" and result.files:
            _take_back(project, result.abort if abort == "as told" else "dsscaffold update --abort")
            assert _all_of(project) == before
        ours = _shape(project, "HEAD")
        result = project.update() if abort != "not" else result
        held = project.everything()
        assert [word for word in kept if word.encode() not in held] == []
        lying = b"".join(project.files().values())
        assert [word for word in loose if word.encode() not in lying] == []
        moved = any(step.verb in {"rename", "move"} for step in theirs)
        if not result.conflicts and not dirt:
            assert {word: held.count(word.encode()) for word in kept} == counts, "nothing is doubled"
            _assert_untouched_files_are_the_targets(project, base, ours, moved=moved)
        if setting != "hooks":
            project.git("add", "--all", "--sparse")
            if project.git("diff", "--cached", "--name-only"):
                project.git("-c", "commit.gpgSign=false", "commit", "--quiet", "--message", "Resolved")
            assert project.update().files == ()


def _updated(project: Project) -> ChangeResult | DsscaffoldError:
    try:
        return project.update()
    except DsscaffoldError as refused:
        return refused


def _all_of(project: Project) -> tuple[dict[str, bytes], str, str]:
    """Return files and index, what git was told to overlook, and what it calls changed."""
    return project.files(), project.git("ls-files", "-v"), project.status()


def _take_back(project: Project, command: str) -> None:
    words = command.split()
    if words[0] == "git":
        project.git(*words[1:])
        return
    ended = project.run(*words[1:])
    assert ended.returncode == 0, ended.stderr
    assert "had edits of yours" not in ended.stdout


def _assert_untouched_files_are_the_targets(
    project: Project, base: dict[str, str], ours: dict[str, str], *, moved: bool
) -> None:
    """Compare with a project that nobody touched, updated to the same templates.

    Where the templates `moved` something, a file that is new may be one that the team has edited.
    """
    kinds = {path: entry[:2] for path, entry in base.items()} == {path: ours.get(path, "")[:2] for path in base}
    if not kinds:
        return  # The team moved or replaced something: new files of the templates follow it, or what it made of them.
    with tempfile.TemporaryDirectory() as name:
        target = make_target(Path(name), project)
        result = {line.split("\t", 1)[1]: line.split(" ")[1] for line in project.index()}
        for line in target.index():
            path, oid = line.split("\t", 1)[1], line.split(" ")[1]
            untouched = base.get(path) == ours.get(path) and not (moved and path not in base)
            if untouched and not path.startswith(".dsscaffold/"):
                assert result.get(path) == oid, path


def make_target(folder: Path, project: Project) -> Project:
    from dsscaffold.commands.new import run_new
    from dsscaffold.project.catalogue import load_catalogue
    from dsscaffold.project.manifest import load_manifest

    catalogue = load_catalogue(project.templates)
    manifest = load_manifest(project.path / "dsscaffold.yaml", catalogue)
    run_new(manifest, catalogue, folder / "demo")
    return Project(folder / "demo", project.templates)
