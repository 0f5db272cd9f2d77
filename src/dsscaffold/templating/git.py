"""Every call of git."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dsscaffold.errors import DsscaffoldError

#: The oldest git that merges without a work tree (`merge-tree --write-tree`).
NEEDED = (2, 38)
_FALLBACK_IDENTITY = ("-c", "user.name=dsscaffold", "-c", "user.email=dsscaffold@localhost")
# The first commit must not depend on what a person configured for every repository: templates, hooks, signing.
# Nor may git tidy up behind it, as newer ones do in the background: the folder is renamed as soon as that is made.
_PLAIN = (
    *("-c", "init.templateDir=", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"),
    *("-c", "maintenance.auto=false"),
)

_REPOSITORY_VARIABLES = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_PREFIX",
    }
)
# What we do to the index and objects is no work of a person: no hook, monitor or split index has a part in it.
_QUIET = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.splitIndex=false"),
    *("-c", "submodule.recurse=false", "-c", "core.safecrlf=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"),
)
_NO_VARIABLES: Mapping[str, str] = {}


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` and return what it prints, stripped.

    Variables such as GIT_DIR, which a hook that calls us would have set, are left out: the folder decides.

    Raises:
        DsscaffoldError: git is not there, or fails; its last line is in the message.
    """
    result = _run(folder, *arguments)
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines() or [f"exit code {result.returncode}"]
        raise DsscaffoldError(f"git {_verb(arguments)} failed: {lines[-1]}")
    return result.stdout.strip()


def check_version() -> None:
    """Refuse a git that is too old to merge with.

    Raises:
        DsscaffoldError: it is older than NEEDED.
    """
    said = git(Path.cwd(), "--version")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < NEEDED:
        needed = ".".join(map(str, NEEDED))
        raise DsscaffoldError(f"This needs git {needed} or newer; here is {said}.", f"Install git {needed} or newer.")


def plumb(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    variables: Mapping[str, str] = _NO_VARIABLES,
    accept: tuple[int, ...] = (0,),
) -> bytes:
    """Run a plumbing command of git on bytes, untouched by hooks, and return what it prints.

    Raises:
        GitRefusalError: it ends with a code that is not in `accept`; all that it said is in `said`.
    """
    command = ["git", *_QUIET, *arguments]
    environment = {**_environment(), "LC_ALL": "C", **variables}
    result = subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, check=False)
    if result.returncode not in accept:
        raise GitRefusalError(arguments, result.returncode, result.stderr.decode(errors="replace").strip())
    return result.stdout


class GitRefusalError(DsscaffoldError):
    """Git ended a plumbing command with an error; `said` is the whole of what it said."""

    def __init__(self, arguments: tuple[str, ...], code: int, said: str) -> None:
        last = (said.splitlines() or [f"exit code {code}"])[-1]
        super().__init__(f"git {_verb(arguments)} failed: {last}")
        self.said = said


def commit(folder: Path, message: str) -> None:
    """Commit what is staged as the person would: their hooks and their signature are theirs.

    Raises:
        DsscaffoldError: git or a hook refuses; what is staged stays staged.
    """
    result = _run(folder, *_identity(folder), "commit", "--quiet", "--message", message)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip() or f"exit code {result.returncode}"
        raise DsscaffoldError(f"git commit failed, and everything is staged as before:\n{said}", "Then: git commit")


def enclosing_repository(folder: Path) -> Path | None:
    """Return the root of the work tree that `folder` lies in, if it lies in one."""
    result = _run(folder, "rev-parse", "--show-toplevel")
    return Path(result.stdout.strip()) if result.returncode == 0 and result.stdout.strip() else None


def create_repository(folder: Path, message: str) -> None:
    """Make `folder` a repository with everything in it as the first commit on the branch main.

    Where the person has no git identity the commit is made in the name of dsscaffold.
    """
    git(folder, *_PLAIN, "init", "--quiet", "--initial-branch=main")
    git(folder, *_PLAIN, "-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "add", "--all")
    git(folder, *_PLAIN, *_identity(folder), "commit", "--quiet", "--no-verify", "--message", message)


def _identity(folder: Path) -> tuple[str, ...]:
    return () if _run(folder, "var", "GIT_COMMITTER_IDENT").returncode == 0 else _FALLBACK_IDENTITY


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise DsscaffoldError(
            "git is not installed, or not on the PATH.",
            "Install git, or use --no-git for a folder without history.",
        ) from error


def _verb(arguments: tuple[str, ...]) -> str:
    words = iter(arguments)
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            return word
    return ""
