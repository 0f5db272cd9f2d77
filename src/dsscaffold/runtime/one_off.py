"""Run one command in the environment of a service that runs: on this machine, or in its container."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPOSE = ("docker", "compose")
_ASK_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it printed."""

    code: int
    stdout: str
    stderr: str


def built_services(repo: Path) -> dict[str, Path]:
    """Return the services that run and are built from source, each with its folder.

    Where they run in containers Docker itself says so: compose.yaml may have keys that only Docker honours.

    Raises:
        DsscaffoldError: the repository does not run.
    """
    from dsscaffold.runtime.local.holder import holder
    from dsscaffold.runtime.repo import RunFolder

    if holder(RunFolder(repo)) is not None:
        from dsscaffold.runtime.compose.reader import read_compose

        services = read_compose(repo, os.environ).services.values()
        return {service.name: service.folder for service in services if service.local.runtime}
    containers = _containers(repo)
    if not containers:
        raise _nothing_runs()
    found = json.loads(_compose(repo, "config", "--format", "json"))["services"]
    return {
        name: Path(found[name]["build"]["context"]) for name in found if name in containers and "build" in found[name]
    }


def call_in(repo: Path, service: str, argv: tuple[str, ...]) -> Answer:
    """Run a command to its end as `service` is run; it gets no input.

    Raises:
        DsscaffoldError: the repository does not run, or the command cannot be started.
    """
    from dsscaffold.runtime.local.holder import holder
    from dsscaffold.runtime.repo import RunFolder

    run = RunFolder(repo)
    if holder(run) is not None:
        from dsscaffold.runtime.local.one_off import command_of

        command = command_of(run, service, os.environ)
        return _run(argv, command.cwd, command.env)
    if service in _containers(repo):
        # Without a terminal (-T), so that stdout and stderr stay apart.
        return _run((*_COMPOSE, "exec", "-T", service, *argv), repo, os.environ)
    raise _nothing_runs()


def _nothing_runs() -> DsscaffoldError:
    return DsscaffoldError("Nothing runs here.", "Start it: dsscaffold up --detach")


def _run(argv: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> Answer:
    # The program is looked for where the service would find it, not where we would.
    program = shutil.which(argv[0], path=env.get("PATH"))
    if program is None:
        raise DsscaffoldError(f"There is no program {argv[0]}.")
    done = subprocess.run(
        [program, *argv[1:]], cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def _containers(repo: Path) -> set[str]:
    """Return the services of the repository that run in containers; none where there is no Docker."""
    if shutil.which(_COMPOSE[0]) is None:
        return set()
    try:
        lines = _compose(repo, "ps", "--format", "json").splitlines()
    except DsscaffoldError:
        return set()
    return {json.loads(line)["Service"] for line in lines if line.startswith("{")}


def _compose(repo: Path, *arguments: str) -> str:
    """Return what Docker Compose says of the repository."""
    try:
        done = subprocess.run(
            [*_COMPOSE, *arguments],
            cwd=repo,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or "").strip() or str(error)
        raise DsscaffoldError(f"`docker compose {arguments[0]}` failed: {said.splitlines()[-1]}") from error
    return done.stdout
