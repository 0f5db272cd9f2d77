"""Whatever the templates and the team do: each line that the team wrote is in the result or inside a conflict.

`DSSCAFFOLD_EXAMPLES=2000 pytest tests/unit/life/test_property.py` looks longer.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dsscaffold.errors import DsscaffoldError

from .project import Project, make_project

TEXTS = [
    "gateway/src/app.ts",
    "gateway/src/old/name.ts",
    "gateway/src/old/other.ts",
    "gateway/run.sh",
    "services/alpha/app/main.py",
    "services/alpha/app/same.py",
    "services/beta/app/main.py",
    "services/beta/app/same.py",
    "README.md",
    "compose.yaml",
    ".gitattributes",
]
BINARY = "gateway/logo.png"
FOLDERS = ["gateway/src/old", "gateway/src", "services/alpha/app", "services/beta"]
NAMES = ["plain.txt", "ü ber/日本.txt", 'quo"te.txt', "src/old/x.ts", "app/new.py", ".gitattributes", "-dash"]
TEMPLATE_TEXTS = [
    "gateway/src/app.ts",
    "gateway/src/old/name.ts",
    "gateway/src/old/third.ts",
    "gateway/run.sh",
    "python-service/app/main.py",
    "python-service/app/same.py",
    "python-service/README.md.jinja",
    "repo/README.md.jinja",
    "compose/compose.yaml.jinja",
]
TEMPLATE_FOLDERS = ["gateway/src/old", "gateway/src", "python-service/app"]
#: What a person or a machine has set up; each a list of git commands.
SETTINGS = {
    "plain": [],
    "autocrlf": [["config", "core.autocrlf", "true"]],
    "detached": [["checkout", "--quiet", "--detach"]],
    "signing": [["config", "commit.gpgSign", "true"], ["config", "gpg.program", "true"]],
    "hooks": [["config", "core.hooksPath", "refusing"]],
    "diff3": [["config", "merge.conflictStyle", "diff3"]],
    "no renames": [["config", "merge.renames", "false"]],
    "filter": [["config", "filter.tabs.clean", "tr @ %"], ["config", "filter.tabs.smudge", "tr % @"]],
    "no folder renames": [["config", "merge.directoryRenames", "false"]],
    "sparse": [["sparse-checkout", "set", "--cone", "gateway", "services/alpha"]],
    "submodule": [["update-index", "--add", "--cacheinfo", "160000,{head},services/alpha/lib"]],
    "work tree": [["worktree", "add", "--quiet", "../linked", "-b", "linked"]],
}


@dataclass(frozen=True)
class Step:
    """One thing that somebody does: a verb, what it is done to, and a number."""

    verb: str
    what: str
    number: int


def _steps(texts: list[str], folders: list[str], verbs: dict[str, list[str]]) -> st.SearchStrategy[list[Step]]:
    kinds = {"edit": texts, "delete": texts, "rename": texts, "chop": texts, "move": folders, **verbs}
    one = st.sampled_from(sorted(kinds)).flatmap(
        lambda verb: st.builds(Step, st.just(verb), st.sampled_from(kinds[verb]), st.integers(0, 19))
    )
    return st.lists(one, min_size=1, max_size=6)


TEAM = _steps(
    TEXTS,
    FOLDERS,
    {"add": NAMES, "chmod": TEXTS, "crlf": TEXTS, "link": TEXTS, "binary": [BINARY], "folder": ["gateway/src/app.ts"]},
)
THEIRS = _steps(
    TEMPLATE_TEXTS,
    TEMPLATE_FOLDERS,
    {"add": ["gateway/plain.txt", "gateway/src/x.ts", "repo/-dash"], "binary": [BINARY], "chmod": ["gateway/run.sh"]},
)
#: What lies about when somebody updates: work that is not committed, in each state that git knows.
DIRT = st.lists(
    st.builds(
        Step,
        st.sampled_from(["unstaged", "staged", "partly staged", "missing", "staged deletion", "intended", "untracked"]),
        st.sampled_from([*TEXTS, "gateway/src/old/third.ts", "gateway/src/x.ts", "gateway/plain.txt"]),
        st.integers(0, 19),
    ),
    max_size=2,
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to copy: rendering one for each example would be most of the time."""
    folder = tmp_path_factory.mktemp("origin")
    make_project(folder)
    return folder


@contextmanager
def _copy(origin: Path) -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        shutil.copytree(origin, folder, symlinks=True)
        yield Project(folder / "demo", folder / "templates")


def _act(root: Path, step: Step, word: str) -> str | None:
    """Do a step if it can be done; return the word that was written, if any."""
    path = root / step.what
    if step.verb == "add":
        path = root / ("gateway" if step.number % 2 else "services/alpha") / step.what if word else path
    if step.verb in {"add", "edit", "crlf", "chop", "binary", "link", "folder"}:
        return _write(path, step, word)
    if not os.path.lexists(path):
        return None
    if step.verb == "delete":
        path.unlink() if not path.is_dir() else None
    elif step.verb == "chmod" and path.is_file():
        path.chmod(0o755 if step.number % 2 else 0o644)
    elif step.verb in {"rename", "move"}:
        target = path.with_name(f"moved-{step.number}-{path.name}")
        path.rename(target) if not os.path.lexists(target) else None
    return None


def _write(path: Path, step: Step, word: str) -> str | None:
    if step.verb == "add":
        if os.path.lexists(path) or not _make_room(path):
            return None
        path.write_text("".join(f"{word} {number}\n" for number in range(5)))
        return word
    if path.is_symlink() or not path.is_file():
        return None
    data = path.read_bytes()
    if step.verb == "binary":
        path.write_bytes(data + b"\0" + word.encode())
    elif step.verb == "crlf":
        path.write_bytes(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        return None
    elif step.verb == "chop":
        path.write_bytes(data.rstrip(b"\r\n"))
        return None
    elif step.verb == "link":
        path.unlink()
        path.symlink_to(word)
    elif step.verb == "folder":
        path.unlink()
        path.mkdir()
        (path / "inside.ts").write_text(f"{word}\n")
    else:
        lines = data.splitlines(keepends=True)
        at = min(step.number, len(lines))
        comment = b"# " if path.name == ".gitattributes" else b""
        rest = lines[at + step.number % 2 :]
        # A template that lost half of a loop does not render: that is another test's business.
        tags = [line for line in lines[at : at + step.number % 2] if b"{%" in line]
        path.write_bytes(b"".join([*lines[:at], comment + word.encode() + b"\n", *tags, *rest]))
    return word


def _make_room(path: Path) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return False
    return True


def _check_out_anew(project: Project) -> None:
    """Write all files as a checkout does: git calls one with other line ends clean, and restores it with its own."""
    for path in project.git("ls-files", "-z").split("\0")[:-1]:
        (project.path / path).unlink()
    project.git("checkout-index", "--all", "--index")


def _set_up(project: Project, setting: str) -> Project:
    """Set the repository up; return the project to go on with, which is another one in a linked work tree."""
    if setting == "hooks":
        for hook in ("pre-commit", "post-index-change", "reference-transaction"):
            project.write(f".git/refusing/{hook}", "#!/bin/sh\nexit 1\n")
            (project.path / ".git/refusing" / hook).chmod(0o755)
        project.git("config", "core.hooksPath", str(project.path / ".git/refusing"))
        return project
    if setting == "filter":
        project.write(".git/info/attributes", "*.ts filter=tabs\n")
    for command in SETTINGS[setting]:
        project.git(*(word.format(head=project.git("rev-parse", "HEAD").strip()) for word in command))
    if setting == "autocrlf":
        _check_out_anew(project)
    if setting == "submodule":
        project.git("commit", "--quiet", "--message", "Another repository")
        (project.path / "services/alpha/lib").mkdir(parents=True)
    return Project(project.path.parent / "linked", project.templates) if setting == "work tree" else project


def _leave_work(project: Project, dirt: list[Step]) -> list[str]:
    """Leave work that is not committed; return the words that are in it, as far as git or the work tree has them."""
    words = []
    for number, step in enumerate(dirt):
        path = project.path / step.what
        tracked = project.git("ls-files", "--", step.what) != ""
        word = f"dirt-{number}-word"
        if step.verb in {"intended", "untracked"}:
            if tracked or os.path.lexists(path) or not _make_room(path):
                continue
            path.write_text(f"{word}\n")
            project.git("add", "--sparse", "--intent-to-add", "--", step.what) if step.verb == "intended" else None
        elif not tracked or path.is_symlink() or not path.is_file():
            continue
        elif step.verb in {"missing", "staged deletion"}:
            path.unlink()
            project.git("rm", "--quiet", "--cached", "--", step.what) if step.verb == "staged deletion" else None
            continue
        else:
            _write(path, Step("edit", step.what, step.number), word)
            if step.verb != "unstaged":
                project.git("add", "--", step.what)
            if step.verb == "partly staged":
                word = f"more-{word}"
                _write(path, Step("edit", step.what, step.number + 3), word)
        words.append(word)
    return [word for word in words if any(word.encode() in data for data in project.files().values())]


def _shape(project: Project, tree: str) -> dict[str, str]:
    listed = project.git("ls-tree", "-r", "-z", tree).split("\0")[:-1]
    return {line.split("\t", 1)[1]: line.split("\t", 1)[0] for line in listed}


EXAMPLES = int(os.environ.get("DSSCAFFOLD_EXAMPLES", "40"))


def _let_work(project: Project, team: list[Step], setting: str) -> tuple[Project, list[str]]:
    """Let the team work and commit, in a setting; return the project, and the words of theirs that are in it."""
    words = [_act(project.path, step, f"ours-{number}-word") for number, step in enumerate(team)]
    project.git("add", "--all")
    if project.git("diff", "--cached", "--name-only"):
        project.commit()
    _check_out_anew(project)
    project = _set_up(project, setting)
    return project, [word for word in words if word and word.encode() in project.everything()]


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
    with _copy(origin) as project:
        base = _shape(project, "HEAD")
        project, kept = _let_work(project, team, setting)
        for number, step in enumerate(theirs):
            _act(project.templates, step, f"theirs-{number}-word" if step.verb != "add" else "")
        loose = _leave_work(project, dirt)
        before = _all_of(project)
        try:
            result = project.update()
        except DsscaffoldError as refused:
            assert dirt, refused.message
            assert refused.hint, refused.message
            assert _all_of(project) == before
            return
        if abort != "not" and result.files:
            _take_back(project, result.abort if abort == "as told" else "dsscaffold update --abort")
            assert _all_of(project) == before
        counts = {word: project.everything().count(word.encode()) for word in kept}
        ours = _shape(project, "HEAD")
        result = project.update() if abort != "not" else result
        held = project.everything()
        assert [word for word in kept if word.encode() not in held] == []
        lying = b"".join(project.files().values())
        assert [word for word in loose if word.encode() not in lying] == []
        moved = any(step.verb in {"rename", "move"} for step in theirs)
        if not result.conflicts and not dirt:
            if abort != "not":
                assert {word: held.count(word.encode()) for word in kept} == counts, "nothing is doubled"
            _assert_untouched_files_are_the_targets(project, base, ours, moved=moved)
        if setting != "hooks":
            project.git("add", "--all", "--sparse")
            if project.git("diff", "--cached", "--name-only"):
                project.git("-c", "commit.gpgSign=false", "commit", "--quiet", "--message", "Resolved")
            assert project.update().files == ()


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
