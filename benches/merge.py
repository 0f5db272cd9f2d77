"""Adding a service and updating, against `copier update` of an equal repository; and whose edits survive.

    python benches/merge.py [--services 3 20] [--runs 5]

Both start from the same rendered files, with the same edits of a team, and go to the same new version of the
templates: lines added everywhere, a file and a folder renamed, a file deleted. For copier the two renderings are the
two tagged versions of a template without any Jinja in it, which is the best case for it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dsscaffold.commands.new import run_new
from dsscaffold.project.catalogue import find_templates, load_catalogue
from dsscaffold.project.manifest import Manifest, Service

CLI = [sys.executable, "-m", "dsscaffold"]
COPIER = [sys.executable, "-m", "copier"]
ANSWERS = "{{ _copier_conf.answers_file }}.jinja"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, nargs="+", default=[3, 20])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dsscaffold-bench-") as name:
        for key, value in (("HOME", name), ("GIT_CONFIG_NOSYSTEM", "1")):
            os.environ[key] = value
        Path(name, ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.com\n")
        for services in arguments.services:
            _compare(Path(name) / str(services), services, arguments.runs)


def _compare(work: Path, services: int, runs: int) -> None:
    work.mkdir()
    old, new = work / "templates-1", work / "templates-2"
    shutil.copytree(find_templates(None), old)
    shutil.copytree(old, new)
    _release(new)
    names = tuple(Service(f"service-{number:02}", "python") for number in range(services))
    ours, theirs = work / "ours", work / "copier"
    for templates, folder in ((old, ours), (old, work / "rendered-1"), (new, work / "rendered-2")):
        run_new(Manifest("bench", "kafka", (), names), load_catalogue(templates), folder, use_git=folder == ours)
    _copier_project(work, theirs)
    words = [_edit(ours), _edit(theirs)][0]
    print(f"\n{services} services, {sum(1 for _ in ours.rglob('*') if _.is_file() and '.git' not in _.parts)} files")
    add = [*CLI, "add-service", "more", "--lang", "python"]
    _report("add-service", _times(runs, lambda: _run(add, ours), ours))
    update = [*CLI, "update", "--templates", str(new)]
    copier = [*COPIER, "update", "--defaults", "--quiet", "--vcs-ref", "v2"]
    pairs: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        pairs[0].extend(_times(1, lambda: _run(update, ours, accept=(0, 1)), ours))
        pairs[1].extend(_times(1, lambda: _run(copier, theirs), theirs))
    _report("update", pairs[0])
    _report("copier update", pairs[1])
    ratio = statistics.median(b / a for a, b in zip(*pairs, strict=True))
    print(f"  copier takes {ratio:.1f} x as long (median of the runs taken in turn)")
    _run(update, ours, accept=(0, 1))
    _run(copier, theirs)
    for name, folder in (("update", ours), ("copier update", theirs)):
        kept = sum(_holds(folder, word) for word in words)
        print(f"  {name:<14} kept {kept} of {len(words)} edits of the team")


def _release(templates: Path) -> None:
    """Make the next version of the templates: what a year of work on them does."""
    files = sorted(path for path in (templates / "python-service").rglob("*.py") if path.stat().st_size > 200)
    for path in files:
        path.write_text(f"# The next version says something here.\n{path.read_text()}")
    files[0].unlink()
    files[1].rename(files[1].with_name(f"renamed_{files[1].name}"))
    folder = next(path.parent for path in files[2:] if path.parent != files[1].parent)
    folder.rename(folder.with_name(f"renamed_{folder.name}"))


def _edit(project: Path) -> list[str]:
    """Let the team append a line to every Python file of its first service, and add one file to each folder there."""
    words = []
    service = project / "services" / "service-00"
    for path in sorted(path for path in service.rglob("*.py") if path.stat().st_size > 200):
        words.append(f"TEAM_{len(words):03}_EDIT")
        path.write_text(f"{path.read_text()}\n\n{words[-1]} = True\n")
    for folder in sorted({path.parent for path in service.rglob("*.py")}):
        words.append(f"TEAM_{len(words):03}_EDIT")
        (folder / "teams_own.py").write_text(f"{words[-1]} = True\n")
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "--message", "The team's work")
    return words


def _copier_project(work: Path, project: Path) -> None:
    """Make a template of both renderings, tagged v1 and v2, and a project from the first."""
    template = work / "template"
    template.mkdir()
    _git(template, "init", "--quiet")
    for number in (1, 2):
        for path in template.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(work / f"rendered-{number}", template, dirs_exist_ok=True)
        shutil.rmtree(template / ".dsscaffold")
        (template / "copier.yml").write_text("{}\n")
        (template / ANSWERS).write_text("{{ _copier_answers | to_nice_yaml }}")
        _git(template, "add", "--all")
        _git(template, "commit", "--quiet", "--message", str(number))
        _git(template, "tag", f"v{number}")
    _run([*COPIER, "copy", "--defaults", "--quiet", "--vcs-ref", "v1", str(template), str(project)], work)
    _git(project, "init", "--quiet")
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "--message", "Rendered")


def _times(runs: int, call: Callable[[], object], project: Path) -> list[float]:
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
        _git(project, "reset", "--quiet", "--hard")
        _git(project, "clean", "--quiet", "-d", "--force")
    return seconds


def _holds(project: Path, word: str) -> bool:
    files = (path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts)
    return any(word.encode() in path.read_bytes() for path in files)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def _run(command: list[str], cwd: Path, accept: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode not in accept:
        raise SystemExit(f"{command}: {done.stderr}{done.stdout}")


def _report(what: str, seconds: list[float]) -> None:
    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
    print(f"  {what:<14} {statistics.median(seconds):6.2f} s  ({spread}, {len(seconds)} runs)")


if __name__ == "__main__":
    main()
