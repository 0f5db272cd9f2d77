"""Killed anywhere, the repository is as before or as after, or the next command says how to finish and how to abort."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from dsscaffold.commands.update import run_abort, run_continue, run_update
from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.change import Options

from ...patience import PATIENCE_S
from .project import Project

#: What the interpreter reports before it does it, and that changes something on disk.
_WRITES = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate", "shutil.copyfile"}
#: The commands of git that change the repository; killed in all the others, it is as it was.
_GIT_WRITES = {"unpack-objects", "read-tree", "update-index", "checkout-index"}


def _prepare(project: Project) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Let both sides edit, also in conflict; return the files before and after an update."""
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.write("services/alpha/app/ours.py", "ours\n")
    project.commit()
    project.write("gateway/run.sh", "#!/bin/sh\ndirty\n")
    project.write("untracked.txt", "untracked\n")
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    (project.templates / "gateway/src/old/name.ts").unlink()
    (project.templates / "python-service/app").rename(project.templates / "python-service/core")
    # An edit of the manifest that nobody has committed is at stake, too.
    project.replace("dsscaffold.yaml", "  beta: {lang: python}\n", "  beta: {lang: python}\n  gamma: {lang: java}\n")
    before = project.files()
    project.update()
    after = project.files()
    assert project.run("update", "--abort").returncode == 0
    assert project.files() == before
    return before, after


def _dies(project: Project, kills: Callable[[int, str], bool], run: Callable[[], object] | None = None) -> int | None:
    """Update, or `run`, in a forked process that dies before the write that `kills` picks; return the signal."""
    child = os.fork()
    if child == 0:
        count = 0
        inside = str(project.path)

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            git = event == "subprocess.Popen" and not _GIT_WRITES.isdisjoint(arguments[1])
            what = f"{event} {arguments[0]} {arguments[1:2]}"
            if git or ((opens or event in _WRITES) and inside in what):
                count += 1
                if kills(count, what):
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(audit)
            run() if run else run_update(project.path, project.templates, Options())
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else None


def _nth(number: int) -> Callable[[int, str], bool]:
    return lambda count, _: count == number


def _assert_recovers(project: Project, before: dict[str, bytes], after: dict[str, bytes], *, finish: bool) -> bool:
    """Check the repository after a kill, and that it comes to one of both ends; return whether it was in between."""
    now = project.files()
    told = project.run("update")
    if now not in (before, after):
        assert told.returncode == 1
        assert "dsscaffold update --continue" in told.stderr
        assert "dsscaffold update --abort" in told.stderr
    if "was interrupted" in told.stderr:
        ended = project.run("update", "--continue" if finish else "--abort")
        assert ended.returncode == (1 if finish else 0)
        assert ended.stderr == ""
        assert project.files() == (after if finish else before)
    else:
        # Either it had not begun, and the run just now made it; or it was made, and its conflicts wait.
        assert project.files() == after
    assert not (project.path / ".git/index.lock").exists()
    return "was interrupted" in told.stderr


def test_sigkill_at_every_write(project: Project) -> None:
    before, after = _prepare(project)
    number, between = 0, 0
    while True:
        number += 1
        if _dies(project, _nth(number)) is None:
            break
        between += _assert_recovers(project, before, after, finish=number % 2 == 0)
        if project.files() == after:
            assert project.run("update", "--abort").returncode == 0
        assert project.files() == before, f"after write {number}"
    assert number > 20, "the writes are really counted"
    assert between > 3, "some of them leave something to finish"
    assert project.files() == after


@pytest.mark.parametrize("nth", [1, 2, 4])
@pytest.mark.parametrize("finish", [True, False])
def test_sigkill_while_git_writes_the_work_tree(project: Project, tmp_path: Path, nth: int, finish: bool) -> None:
    """A filter of the team is called for each file that git writes: it kills git and us in the middle."""
    before, after = _prepare(project)
    armed = tmp_path / "armed"
    filter_ = tmp_path / "filter.sh"
    kill = f"[ -e {armed} ] && echo x >> {armed} && [ $(wc -l < {armed}) -gt {nth} ] && kill -9 0"
    filter_.write_text(f"#!/bin/sh\n{kill}\ncat\n")
    filter_.chmod(0o755)
    project.git("config", "filter.kill.clean", "cat")
    project.git("config", "filter.kill.smudge", str(filter_))
    (project.path / ".git/info").mkdir(exist_ok=True)
    (project.path / ".git/info/attributes").write_text("*.py filter=kill\n*.java filter=kill\n")
    armed.write_text("")
    process = subprocess.Popen(
        [sys.executable, "-m", "dsscaffold", "update", "--templates", str(project.templates)],
        cwd=project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.wait(timeout=PATIENCE_S) == -signal.SIGKILL
    armed.unlink()
    assert project.files() not in (before, after), "it was killed half-way"
    assert _assert_recovers(project, before, after, finish=finish)


def test_edits_made_after_a_kill_are_set_aside_and_never_lost(project: Project) -> None:
    before, _ = _prepare(project)
    index = str(project.path / ".git/index")
    # Everything is in the work tree then, and the index is still the old one.
    assert _dies(project, lambda _, what: what.startswith("os.rename") and f"{index}'" in what) == signal.SIGKILL
    project.write("services/alpha/core/main.py", "written after the crash\n")
    aborted = project.run("update", "--abort")
    assert aborted.returncode == 0
    assert "services/alpha/core/main.py had edits of yours" in aborted.stdout
    rescued = project.path / ".git/dsscaffold/rescued/1/services/alpha/core/main.py"
    assert rescued.read_text() == "written after the crash\n"
    assert project.files() == before


def test_who_goes_on_without_finishing_is_not_overwritten(project: Project) -> None:
    _prepare(project)
    index = str(project.path / ".git/index")
    assert _dies(project, lambda _, what: what.startswith("os.rename") and f"{index}'" in what) == signal.SIGKILL
    (project.path / ".git/index.lock").unlink()
    project.git("reset", "--quiet", "--hard")
    project.replace("services/alpha/app/main.py", "code 7\n", "ours, and later\n")
    project.git("commit", "--quiet", "--all", "--message", "Work goes on")
    before = project.files()
    assert "was interrupted" in project.run("update").stderr
    refused = project.run("update", "--continue")
    assert refused.returncode == 1
    assert "The branch has moved since" in refused.stderr
    given_up = project.run("update", "--abort")
    assert given_up.returncode == 1
    assert "given up" in given_up.stderr
    assert project.files() == before
    assert "interrupted" not in project.run("update").stderr


@pytest.mark.parametrize("verb", ["abort", "continue"])
def test_sigkill_on_the_way_out(project: Project, verb: str) -> None:
    before, after = _prepare(project)
    index = str(project.path / ".git/index")
    run = run_abort if verb == "abort" else run_continue
    number = -2
    while True:
        # Every third write: each round takes several updates.
        number += 3
        if verb == "abort":
            project.update()
        else:
            _dies(project, lambda _, what: what.startswith("os.rename") and f"{index}'" in what)
        ended = _dies(project, _nth(number), lambda: run(project.path, Options()))
        if ended is None:
            break
        told = project.run("update")
        if "interrupted" in told.stderr:
            assert "update --abort" in told.stderr
            assert project.run("update", "--abort").returncode == 0
        elif project.files() == after:
            assert project.run("update", "--abort").returncode == 0
        assert project.files() == before, f"after write {number}"
        assert not (project.path / ".git/index.lock").exists()
    assert number > 10, "the writes are really counted"
    assert project.files() == (before if verb == "abort" else after)


def test_a_second_run_waits_for_the_first(project: Project) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    (project.path / ".git/dsscaffold").mkdir()
    waiting = threading.Event()
    done: list[bool] = []
    lock = FileLock(project.path / ".git/dsscaffold/lock")
    lock.acquire()
    second = threading.Thread(target=lambda: done.append(project.update(Options(on_wait=waiting.set)).ok))
    second.start()
    assert waiting.wait(timeout=PATIENCE_S)
    # Long enough for a run that does not wait.
    second.join(timeout=2)
    assert done == []
    assert project.status() == ""
    lock.release()
    second.join(timeout=PATIENCE_S)
    assert done == [True]
    assert "theirs\n" in project.read("gateway/src/app.ts")


def test_a_lock_of_git_itself_is_respected(project: Project) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    before = project.files()
    (project.path / ".git/index.lock").write_text("")
    with pytest.raises(DsscaffoldError, match="Git is at work"):
        project.update()
    (project.path / ".git/index.lock").unlink()
    assert project.files() == before
    assert project.update().ok


def test_there_is_nothing_to_abort_or_finish(project: Project) -> None:
    assert "no change to abort" in project.run("update", "--abort").stderr
    assert "No change was interrupted" in project.run("update", "--continue").stderr
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.update(Options(commit=True))
    assert "is committed" in project.run("update", "--abort").stderr
