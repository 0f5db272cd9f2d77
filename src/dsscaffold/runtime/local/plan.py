"""Turn a compose file into units to run: every decision that needs no process."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dsscaffold.runtime.environments.python import python_bin
from dsscaffold.runtime.health import http_ready
from dsscaffold.runtime.local.addresses import Address, container_port, rewrite
from dsscaffold.runtime.ports import HOST
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.compose.model import ComposeProject, ComposeService
    from dsscaffold.runtime.results import Kind

_SERVER_KINDS: dict[str, Kind] = {"postgres": "database", "kafka": "broker"}
#: What an app gets of the shell's environment. Anything more would make it work here and fail in its container.
_INHERITED = (
    *("HOME", "LANG", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "USER"),
    *("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
)


@dataclass(frozen=True)
class Tools:
    """Where the programs of the runtimes are; a runtime that nothing uses is not there."""

    node: Path | None = None
    postgres: Path | None = None


def kind_of(service: ComposeService, project: ComposeProject) -> Kind:
    """Return what a service is, for `status`.

    A job is what another service waits for to complete, or what has no port and is not to be started again.
    """
    if service.local.server:
        return _SERVER_KINDS[service.local.server]
    if service.name == "gateway":
        return "gateway"
    awaited = any(
        dependency.service == service.name and dependency.condition == "service_completed_successfully"
        for other in project.services.values()
        for dependency in other.depends_on
    )
    if awaited or (service.restart.mode == "no" and container_port(service) is None):
        return "job"
    return "service"


def app_unit(
    service: ComposeService,
    project: ComposeProject,
    addresses: Mapping[str, Address],
    tools: Tools,
    environ: Mapping[str, str],
    cache: Path,
) -> Unit:
    """Return how to run a service that the compose file gives a command under `x-local`."""
    address = addresses.get(service.name)
    env = {**_base_environment(service, tools, environ, cache), **_own_environment(service, addresses)}
    return Unit(
        name=service.name,
        kind=kind_of(service, project),
        command=Command(service.local.command, service.folder, env),
        depends_on=service.depends_on,
        url=f"http://{HOST}:{address.local}" if address else None,
        probe=partial(http_ready, address.local) if address else None,
        restart=service.restart,
        stop_grace=service.stop_grace,
        hung_after=service.local.hung_after,
        start_within=service.start_within,
        source=service.folder if service.local.runtime in ("python", "node") else None,
        mounted=tuple(mount.source for mount in service.mounts),
        stop_signal=signal.Signals[service.stop_signal],
    )


def _own_environment(service: ComposeService, addresses: Mapping[str, Address]) -> dict[str, str]:
    env = {name: rewrite(value, addresses) for name, value in service.environment.items()}
    if service.name in addresses:
        env["PORT"] = str(addresses[service.name].local)
    return env


def _base_environment(service: ComposeService, tools: Tools, environ: Mapping[str, str], cache: Path) -> dict[str, str]:
    env = {name: environ[name] for name in _INHERITED if name in environ}
    env.update((name, value) for name, value in environ.items() if name.startswith("LC_"))
    folders: list[Path] = []
    match service.local.runtime:
        case "python":
            folders = [python_bin(service.folder)]
            # Logs go to a file: without this they would come in blocks.
            env |= {"VIRTUAL_ENV": str(service.folder / ".venv"), "PYTHONUNBUFFERED": "1"}
        case "node":
            folders = [service.folder / "node_modules" / ".bin", *([tools.node] if tools.node else [])]
            env["NODE_COMPILE_CACHE"] = str(cache / "node")
        case "postgres":
            folders = [tools.postgres] if tools.postgres else []
    path = environ.get("PATH", os.defpath)
    env["PATH"] = os.pathsep.join([*(str(folder) for folder in folders), path])
    return env
