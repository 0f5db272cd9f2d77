"""Fetch the tools that services need, and install their packages."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from dsscaffold.runtime.environments.node import install_node, node_is_current
from dsscaffold.runtime.environments.python import install_python, python_is_current
from dsscaffold.runtime.events import EnvironmentDone, EnvironmentStarted, FetchDone
from dsscaffold.runtime.local.plan import Tools
from dsscaffold.runtime.network import for_downloads
from dsscaffold.runtime.toolchain import Toolchain, java, kafka, node, postgres
from dsscaffold.runtime.toolchain.cache import Cache, cache_folder, locked
from dsscaffold.runtime.toolchain.failures import FetchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping, Sequence
    from pathlib import Path

    from dsscaffold.runtime.compose.model import ComposeService
    from dsscaffold.runtime.events import Event, OnEvent
    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.toolchain.cache import Fetchable


class Provision:
    """What is missing is fetched at the first call that needs it; `seconds` tell what took how long."""

    def __init__(self, runner: Runner, environ: Mapping[str, str], emit: OnEvent, lock: Path | None = None) -> None:
        environ = for_downloads(environ)
        self.cache = Cache(cache_folder(environ), runner, self._heard, environ)
        self.tools = Toolchain(self.cache)
        self.fetch_seconds: dict[str, float] = {}
        self.environment_seconds: dict[str, float] = {}
        self._runner = runner
        self._environ = environ
        self._emit = emit
        self._lock = lock

    async def runtimes(self, services: Iterable[ComposeService]) -> Tools:
        """Return where the programs of the services' runtimes are."""
        runtimes = {service.local.runtime for service in services}
        return Tools(
            node=(await self.tools.node()).bin if "node" in runtimes else None,
            postgres=(await self.tools.postgres()).bin if "postgres" in runtimes else None,
        )

    async def fetch(self, services: Iterable[ComposeService]) -> None:
        """Fetch the tools that services need; without services, all that any may need."""
        await asyncio.gather(*(getattr(self.tools, name)() for name, _ in needed_tools(services)))

    def missing_tools(self, services: Iterable[ComposeService]) -> list[str]:
        """Return the tools that these services need, and that neither the machine nor the cache has."""
        return [
            f"{tool.name} {tool.version}"
            for name, tool in needed_tools(services)
            if not self.tools.has(name) and not self.cache.holds(tool)
        ]

    async def packages(self, services: Sequence[ComposeService]) -> None:
        """Install the packages of the services whose environments are not current; no two processes do so at once.

        Raises:
            ExceptionGroup: the first failure ends the others.
        """
        if self._lock is None or all(map(packages_are_current, services)):
            return
        async with locked(self._lock), asyncio.TaskGroup() as group:
            for service in own_folders(services):
                group.create_task(self._install(service))

    async def _install(self, service: ComposeService) -> None:
        folder = service.folder
        if packages_are_current(service):
            return
        if service.local.runtime == "python":
            await self._timed(service, install_python(folder, self._runner, self._environ))
        else:
            found = await self.tools.node()
            await self._timed(service, install_node(folder, found, self._runner, self._environ))

    async def _timed(self, service: ComposeService, installation: Awaitable[None]) -> None:
        began = time.monotonic()
        self._emit(EnvironmentStarted(service.name))
        await installation
        seconds = self.environment_seconds[service.name] = time.monotonic() - began
        self._emit(EnvironmentDone(service.name, seconds))

    def _heard(self, event: Event) -> None:
        if isinstance(event, FetchDone):
            self.fetch_seconds[event.tool] = event.seconds
        self._emit(event)


def needed_tools(services: Iterable[ComposeService]) -> list[tuple[str, Fetchable]]:
    """Return the tools that services need, by the name that the toolchain has for them; without services, all."""
    local = {service.local.server or service.local.runtime for service in services}
    all_tools = (
        ("node", "node", node.TOOL),
        ("java", "kafka", java.TOOL),
        ("kafka", "kafka", kafka.TOOL),
        ("postgres", "postgres", postgres.TOOL),
    )
    return [(name, tool) for name, use, tool in all_tools if use in local or not local]


def own_folders(services: Iterable[ComposeService]) -> list[ComposeService]:
    """Return one service for every folder with packages: two may share one, as two entry points."""
    folders: dict[object, ComposeService] = {}
    for service in services:
        if service.local.runtime in ("python", "node"):
            folders.setdefault((service.folder, service.local.runtime), service)
    return list(folders.values())


def packages_are_current(service: ComposeService) -> bool:
    """Tell whether the packages of a service are what its lock file says."""
    if service.local.runtime == "python":
        return python_is_current(service.folder)
    return service.local.runtime != "node" or node_is_current(service.folder)


def explain(failures: ExceptionGroup[Exception], provision: Provision, services: Sequence[ComposeService]) -> Exception:
    """Return the one error that a person is told of; without a network it names all that is missing."""
    errors = list(_flat(failures))
    offline = next((error for error in errors if isinstance(error, FetchError) and error.offline), None)
    if offline is None:
        return errors[0]
    missing = provision.missing_tools(services)
    folders = [service.name for service in own_folders(services) if not packages_are_current(service)]
    if folders:
        missing.append(f"the packages of {', '.join(folders)}")
    last = offline.message.strip().splitlines()[-1].strip()
    return FetchError(
        f"The network cannot be reached, and this machine lacks {'; '.join(missing)}.\n{last}",
        "Once there is a network, `dsscaffold fetch` fetches all of it; `up` then needs none. "
        "HTTPS_PROXY and SSL_CERT_FILE are honoured.",
        offline=True,
    )


def _flat(failures: ExceptionGroup[Exception]) -> Iterable[Exception]:
    for error in failures.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _flat(error)
        else:
            yield error
