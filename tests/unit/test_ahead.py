"""Copier in a process of its own: it renders, it leaves nothing behind, and nothing depends on it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dsscaffold.__main__ import RENDERING
from dsscaffold.cli import app
from dsscaffold.project.catalogue import load_catalogue
from dsscaffold.project.manifest import load_preset
from dsscaffold.project.plan import Plan, make_plan
from dsscaffold.templating import copying
from dsscaffold.templating.ahead import copier_ahead
from dsscaffold.templating.renderer import Contents, render_contents

from ..patience import PATIENCE_S


@pytest.fixture(autouse=True)
def _not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a process that has not imported copier yet."""
    monkeypatch.delitem(sys.modules, "copier", raising=False)


@pytest.fixture
def plan(templates: Path) -> Plan:
    """What the small templates make of their preset."""
    catalogue = load_catalogue(templates)
    return make_plan(load_preset("shop", "demo", catalogue), catalogue, "1")


def _render(plan: Plan, templates: Path) -> Contents:
    return render_contents([(plan, templates)])[0]


def _helpers() -> list[psutil.Process]:
    """Return the processes that `copier_ahead` has started, of all the children that other tests may have left."""
    return [child for child in psutil.Process().children() if _renders(child)]


def _renders(process: psutil.Process) -> bool:
    try:
        # Until it has become the program that it was started as, it has no words at all.
        while not (words := process.cmdline()):
            time.sleep(0.001)
        return copying.__name__ in words
    except psutil.NoSuchProcess:  # It has ended, perhaps since it was listed.
        return False


def test_it_renders_what_this_process_would(plan: Plan, templates: Path, tmp_path: Path) -> None:
    # Another release has other settings of copier: then it is asked twice.
    older = tmp_path / "older"
    shutil.copytree(templates, older)
    (older / "copier.yml").write_text(f"{(templates / 'copier.yml').read_text()}\n# Another release.\n")
    catalogue = load_catalogue(older)
    both = [(plan, templates), (make_plan(load_preset("shop", "other", catalogue), catalogue, "1"), older)]
    with copier_ahead():
        ahead = render_contents(both)
        assert "copier" not in sys.modules
        _, alive = psutil.wait_procs(_helpers(), timeout=PATIENCE_S)
        assert alive == [], "it is not kept longer than it is of use"
    assert [contents["README.md"][1] for contents in ahead] == [b"# demo\n", b"# other\n"]
    assert ahead == render_contents(both)
    assert "copier" in sys.modules


def test_one_that_was_killed_is_not_missed(plan: Plan, templates: Path) -> None:
    # More than a pipe holds: the question is cut off in the middle.
    plan.context["project_name"] = "x" * 1_000_000
    with copier_ahead():
        (helper,) = _helpers()
        helper.kill()
        psutil.wait_procs([helper])
        assert _render(plan, templates)["README.md"][1] == b"# " + b"x" * 1_000_000 + b"\n"


def test_what_lies_in_the_current_folder_is_not_run(
    plan: Plan, templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for name in ("copier.py", "jinja2.py", "pickle.py"):
        (here / name).write_text("import pathlib\npathlib.Path('ran').touch()\n")
    monkeypatch.chdir(here)
    with copier_ahead():
        _render(plan, templates)
        assert "copier" not in sys.modules, "the other process rendered it"
    assert not (here / "ran").exists()


def test_it_ends_whatever_happens() -> None:
    def stopped() -> None:
        with copier_ahead():
            assert len(_helpers()) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert _helpers() == []


def test_every_verb_that_changes_a_repository_has_it() -> None:
    there = {str(command.name): command.callback for command in app.registered_commands}
    changing = {name for name, verb in there.items() if verb and verb.__module__ == "dsscaffold.cli_life"}
    assert {"new", *changing} == RENDERING


def test_a_verb_lets_it_render(tmp_path: Path, templates: Path) -> None:
    program = (
        "import sys\nfrom dsscaffold.__main__ import main\n"
        "try:\n    main()\nfinally:\n    print('copier' in sys.modules)\n"
    )
    command = [sys.executable, "-c", program, "new", "demo", "--yes", "--no-git", "--templates", str(templates)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nFalse\n")
    assert (tmp_path / "demo" / "README.md").read_text() == "# demo\n"


def test_an_interrupt_within_an_exec_ends_with_the_exit_code_of_all_others(tmp_path: Path) -> None:
    program = (
        "import dsscaffold.cli\nfrom dsscaffold.__main__ import main\n"
        "def interrupted():\n    exec('raise KeyboardInterrupt')\n"
        "dsscaffold.cli.main = interrupted\nmain()\n"
    )
    (tmp_path / "interrupted.py").write_text(program)
    done = subprocess.run([sys.executable, "-m", "interrupted"], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"Error: Stopped.\n")


def test_an_interrupt_while_it_starts_leaves_nothing_behind(tmp_path: Path, templates: Path) -> None:
    environment = {**os.environ, "DSSCAFFOLD_TEMPLATES": str(templates)}
    # It waits for answers that nobody writes: it would be done before an interrupt that comes late.
    answers = tmp_path / "answers.yaml"
    os.mkfifo(answers)
    command = [sys.executable, "-m", "dsscaffold", "new", "demo", "--yes", "--answers", str(answers)]
    work = tmp_path / "work"
    work.mkdir()
    with subprocess.Popen(
        command, cwd=work, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as verb:
        process = psutil.Process(verb.pid)
        while not (helpers := process.children()):
            assert verb.poll() is None
        os.killpg(verb.pid, signal.SIGINT)
        _, errors = verb.communicate(timeout=PATIENCE_S)
    assert verb.returncode == 130
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(helpers, timeout=PATIENCE_S)
    assert alive == []
    assert list(work.iterdir()) == []
