"""What a team does to a project, step by step, and the settings that it does it in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from .project import Project

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


def steps(texts: list[str], folders: list[str], verbs: dict[str, list[str]]) -> st.SearchStrategy[list[Step]]:
    kinds = {"edit": texts, "delete": texts, "rename": texts, "chop": texts, "move": folders, **verbs}
    one = st.sampled_from(sorted(kinds)).flatmap(
        lambda verb: st.builds(Step, st.just(verb), st.sampled_from(kinds[verb]), st.integers(0, 19))
    )
    return st.lists(one, min_size=1, max_size=6)


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


@contextmanager
def copied(origin: Path) -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        shutil.copytree(origin, folder, symlinks=True)
        yield Project(folder / "demo", folder / "templates")


def act(root: Path, step: Step, word: str) -> str | None:
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


def leave_work(project: Project, dirt: list[Step]) -> list[str]:
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


def let_work(project: Project, team: list[Step], setting: str) -> tuple[Project, list[str]]:
    """Let the team work and commit, in a setting; return the project, and the words of theirs that are in it."""
    words = [act(project.path, step, f"ours-{number}-word") for number, step in enumerate(team)]
    project.git("add", "--all")
    if project.git("diff", "--cached", "--name-only"):
        project.commit()
    _check_out_anew(project)
    project = _set_up(project, setting)
    return project, [word for word in words if word and word.encode() in project.everything()]
