"""`dsscaffold doctor`: what this machine has, what the first `up` would fetch, and what stands in its way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.ports import find_holder, is_free
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.servers.home import left_outside
from dsscaffold.runtime.toolchain import host, java, kafka, node, postgres
from dsscaffold.runtime.toolchain.cache import Cache, Fetchable, cache_folder

#: `fetch` is nothing to worry about: it happens by itself at the first `up`.
Level = Literal["ok", "fetch", "warning", "problem"]

#: What the merge of `update` needs.
_GIT_NEEDED = (2, 38)
_GATEWAY_PORT = 3000
_MB = 1_000_000
_SPACE_NEEDED = 1_500 * _MB


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `size` is what would be fetched, in bytes; `remedy` says what to do."""

    name: str
    level: Level
    found: str
    remedy: str = ""
    size: int = 0

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "name": self.name,
            "level": self.level,
            "found": self.found,
            "remedy": self.remedy,
            "fetchBytes": self.size,
        }


@dataclass(frozen=True)
class DoctorResult:
    """All findings; `ok` unless one of them is a problem."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether `new` and `up` can work here."""
        return all(finding.level != "problem" for finding in self.findings)

    @property
    def fetch_bytes(self) -> int:
        """Return what the first `up` would fetch, apart from the packages of the services."""
        return sum(finding.size for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """Return the document of `doctor --json`."""
        return {
            "ok": self.ok,
            "fetchBytes": self.fetch_bytes,
            "findings": [finding.to_json() for finding in self.findings],
        }


def missing_tools() -> tuple[Finding, ...]:
    """Return the tools that this machine lacks, with their sizes: what the first `up` would fetch."""
    return tuple(finding for finding in _look_for_tools(cache_folder(os.environ)) if finding.level == "fetch")


def run_doctor(repo: Path | None = None, port: int | None = None) -> DoctorResult:
    """Look at this machine; nothing is fetched or changed.

    `port` is the gateway's; without one it is the port that `repo` runs on, or would publish, or the usual one.
    """
    folder = cache_folder(os.environ)
    tools = _look_for_tools(folder)
    return DoctorResult(
        (
            _system(),
            Finding("Python", "ok", f"{platform.python_version()}, {sys.executable}"),
            _git(),
            *tools,
            _space("disk for the cache", folder, "Set DSSCAFFOLD_CACHE to a folder that you may write."),
            _space("disk for this folder", Path.cwd(), "Go to a folder that you may write."),
            _port(port or _running_port(repo) or _published_port(repo), repo),
            _docker(),
            *_left_outside(),
        )
    )


def _system() -> Finding:
    name = f"{platform.system()} {platform.machine()}"
    if sys.platform == "win32":
        return Finding("system", "problem", name, "Run it inside WSL 2: servers without containers need it.")
    if os.geteuid() == 0:
        return Finding("system", "ok", f"{name}, as root: Postgres refuses root, and will run as the user nobody")
    return Finding("system", "ok", name)


def _git() -> Finding:
    path = shutil.which("git")
    if path is None:
        return Finding(
            "git", "problem", "not found", "Install git, or use `new --no-git` for a folder without history."
        )
    numbers = _numbers(_output(path, "--version"))
    version = ".".join(map(str, numbers))
    if numbers < _GIT_NEEDED:
        return Finding("git", "warning", version, "Merging newer templates needs git 2.38 or newer: install that.")
    return Finding("git", "ok", version)


def _look_for_tools(folder: Path) -> list[Finding]:
    runner = Runner()
    try:
        return asyncio.run(_tools(Cache(folder, runner, lambda _: None, os.environ)))
    finally:
        runner.close()


async def _tools(cache: Cache) -> list[Finding]:
    wanted = (("node", "--version", node.NEEDED, node.TOOL), ("java", "-version", java.NEEDED, java.TOOL))
    findings = []
    for program, option, needed, tool in wanted:
        path = host.on_path(cache, program)
        found = await host.version(cache, path, option) if path else None
        if found and found >= needed:
            findings.append(Finding(tool.name, "ok", f"{host.dotted(found)}, {path}"))
        else:
            older = f"{host.dotted(found)} is too old" if found else "not found"
            findings.append(_fetchable(cache, tool, older))
    findings += [_fetchable(cache, tool, "not fetched yet") for tool in (postgres.TOOL, kafka.TOOL)]
    return findings


def _fetchable(cache: Cache, tool: Fetchable, otherwise: str) -> Finding:
    if cache.holds(tool):
        return Finding(tool.name, "ok", f"{tool.version}, in the cache")
    remedy = f"The first `up` fetches {tool.version}, {tool.size / _MB:.0f} MB, once for this machine."
    return Finding(tool.name, "fetch", otherwise, remedy, tool.size)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # It may lie where nobody may look.
        return False


def _space(name: str, folder: Path, remedy: str) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if _exists(path))
    free = shutil.disk_usage(existing).free
    text = f"{free / 1e9:.1f} GB free in {existing}"
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding(name, "problem", f"{folder}: {existing} is no folder that can be written", remedy)
    if free < _SPACE_NEEDED:
        return Finding(name, "problem", text, f"About {_SPACE_NEEDED / 1e9:.1f} GB are needed: make room.")
    return Finding(name, "ok", text)


def _running_port(repo: Path | None) -> int | None:
    """Return the port of a gateway that runs: `up --port` may have published it elsewhere than the files say."""
    from dsscaffold.runtime.choose import backend_for

    if repo:
        with contextlib.suppress(DsscaffoldError):
            for service in backend_for(repo).status().services:
                if service.kind == "gateway" and service.pid and service.url:
                    return urlsplit(service.url).port
    return None


def _published_port(repo: Path | None) -> int:
    """Return the port that compose.yaml and .env give the gateway; what is wrong in them is the business of `up`."""
    from dsscaffold.runtime.compose.reader import read_compose

    if repo:
        with contextlib.suppress(DsscaffoldError):
            gateway = read_compose(repo, os.environ).services.get("gateway")
            for port in gateway.ports if gateway else ():
                return port.published
    return _GATEWAY_PORT


def _port(port: int, repo: Path | None) -> Finding:
    if is_free(port):
        return Finding("gateway port", "ok", f"{port} is free")
    holder = find_holder(port)
    if holder and repo and holder.repo == repo:
        return Finding("gateway port", "ok", f"{port}, and this repository runs on it")
    by = f" by {holder}" if holder else ""
    return Finding("gateway port", "warning", f"{port} is taken{by}", "Start with another one: dsscaffold up --port N")


def _docker() -> Finding:
    path = shutil.which("docker")
    if path is None:
        return Finding("Docker", "ok", "not found, and not needed")
    version = _output(path, "version", "--format", "{{.Server.Version}}")
    return Finding("Docker", "ok", f"engine {version}" if version else "no engine answers; it is not needed")


def _left_outside() -> list[Finding]:
    """Return what only root's repositories leave outside of them, one finding for each that is gone."""
    return [
        Finding(
            "left-over data",
            "warning",
            f"{folder} is Postgres' data of {owner}, which is not there any more",
            f"If that repository was deleted: rm -r {folder}",
        )
        for folder, owner in left_outside()
    ]


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _numbers(text: str) -> tuple[int, ...]:
    found = re.search(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
