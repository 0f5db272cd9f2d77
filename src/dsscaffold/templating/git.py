"""Every call of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from dsscaffold.errors import DsscaffoldError

_FALLBACK_IDENTITY = ("-c", "user.name=dsscaffold", "-c", "user.email=dsscaffold@localhost")
# The first commit must not depend on what a person configured for every repository: templates, hooks, signing.
_PLAIN = ("-c", "init.templateDir=", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")

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
    identity = () if _run(folder, "var", "GIT_COMMITTER_IDENT").returncode == 0 else _FALLBACK_IDENTITY
    git(folder, *_PLAIN, *identity, "commit", "--quiet", "--no-verify", "--message", message)


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
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
