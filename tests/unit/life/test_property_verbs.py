"""Whatever the team did, and whichever verb or edit of dsscaffold.yaml comes: no line of theirs is lost to it.

`DSSCAFFOLD_EXAMPLES=2000 pytest tests/unit/life/test_property_verbs.py` looks longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dsscaffold.commands.add_pattern import run_add_pattern
from dsscaffold.commands.add_service import run_add_service
from dsscaffold.commands.rename_service import run_rename_service
from dsscaffold.commands.set_broker import run_set_broker
from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.change import Options

from .deeds import NAMES, SETTINGS, TEXTS, Step, copied, let_work, steps
from .project import Project, make_project

PLAIN = Options()
ALPHA, BETA = "  alpha: {lang: python}\n", "  beta: {lang: python}\n"
TEAM = steps(
    TEXTS,
    ["services/alpha", "services/alpha/app", "services/beta", "gateway/src"],
    {"add": [*NAMES, "../gamma/app/main.py", "../beta/app/new.py"], "chmod": TEXTS, "crlf": TEXTS, "link": TEXTS},
)


def _by_hand(*lines: str) -> Callable[[Project], object]:
    """Return a change of dsscaffold.yaml in which these are the services."""

    def change(project: Project) -> object:
        project.replace("dsscaffold.yaml", ALPHA + BETA, "".join(f"  {line}\n" for line in lines))
        return project.update()

    return change


CHANGES: dict[str, Callable[[Project], object]] = {
    "add": lambda project: run_add_service(project.path, "gamma", "python", "stock", PLAIN),
    "rename": lambda project: run_rename_service(project.path, "alpha", "gamma", PLAIN),
    "pattern": lambda project: run_add_pattern(project.path, "tracing", PLAIN),
    "broker": lambda project: run_set_broker(project.path, "nats", PLAIN),
    "add by hand": _by_hand("alpha: {lang: python}", "beta: {lang: python}", "gamma: {lang: python}"),
    "rename by hand": _by_hand("beta: {lang: python}", "gamma: {lang: python, id: alpha}"),
    "remove by hand": _by_hand("alpha: {lang: python}"),
    "rename onto": _by_hand("beta: {lang: python, id: alpha}"),
    "swap": _by_hand("alpha: {lang: python, id: beta}", "beta: {lang: python, id: alpha}"),
    "another language": _by_hand("alpha: {lang: java}", "beta: {lang: python}"),
}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to copy: rendering one for each example would be most of the time."""
    folder = tmp_path_factory.mktemp("origin")
    make_project(folder)
    return folder


@settings(
    max_examples=int(os.environ.get("DSSCAFFOLD_EXAMPLES", "40")),
    deadline=None,
    database=None,
    derandomize="DSSCAFFOLD_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(team=TEAM, change=st.sampled_from(sorted(CHANGES)), setting=st.sampled_from(sorted(SETTINGS)))
@example(
    team=[Step("edit", "services/alpha/app/main.py", 3), Step("add", "../gamma/app/main.py", 2)],
    change="rename by hand",
    setting="plain",
)
@example(team=[Step("edit", "services/beta/app/main.py", 3)], change="rename onto", setting="plain")
def test_no_line_is_lost_to_a_verb(origin: Path, team: list[Step], change: str, setting: str) -> None:
    with copied(origin) as project:
        project, kept = let_work(project, team, setting)
        before = project.files()
        manifest = project.read("dsscaffold.yaml")
        refused = None
        try:
            CHANGES[change](project)
        except DsscaffoldError as error:
            refused = error
        if refused:
            assert refused.hint, refused.message
            project.write("dsscaffold.yaml", manifest)
            assert project.files() == before
            return
        held = project.everything()
        assert [word for word in kept if word.encode() not in held] == []
        if project.read("dsscaffold.yaml") != manifest:
            ended = project.run("update", "--abort")
            assert ended.returncode == 0, ended.stderr
            assert "had edits of yours" not in ended.stdout
            project.write("dsscaffold.yaml", manifest)
            assert project.files() == before
