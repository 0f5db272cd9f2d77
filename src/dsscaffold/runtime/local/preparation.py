"""All that has to be there before anything is started: ports, tools, packages."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from dsscaffold.runtime.compose.reader import read_compose
from dsscaffold.runtime.environments.node import install_node, node_is_current
from dsscaffold.runtime.environments.python import install_python, python_is_current
from dsscaffold.runtime.events import EnvironmentDone, EnvironmentStarted, FetchDone, Note
from dsscaffold.runtime.local.addresses import assign
from dsscaffold.runtime.local.plan import Tools, app_unit, kind_of
from dsscaffold.runtime.results import ServiceStatus
from dsscaffold.runtime.servers.kafka import KafkaServer
from dsscaffold.runtime.servers.kafka_archive import ClassArchive
from dsscaffold.runtime.servers.postgres import PostgresServer
from dsscaffold.runtime.toolchain import Toolchain
from dsscaffold.runtime.toolchain.cache import Cache, cache_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from dsscaffold.runtime.compose.model import ComposeService
    from dsscaffold.runtime.events import Event, OnEvent
    from dsscaffold.runtime.ports import PortBook
    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.repo import RunFolder
    from dsscaffold.runtime.unit import Unit


class Preparation:
    """Read the compose file and claim the ports at once; `units` then fetches and installs what is missing."""

    def __init__(
        self, run: RunFolder, runner: Runner, ports: PortBook, environ: Mapping[str, str], emit: OnEvent
    ) -> None:
        self._run = run
        self._runner = runner
        self._ports = ports
        self._environ = environ
        self._emit = emit
        self._project = read_compose(run.repo, environ)
        for warning in self._project.warnings:
            emit(Note(warning))
        self._addresses = assign(self._project.services, ports)
        self._controllers = {
            service.name: ports.claim(f"{service.name}.controller")
            for service in self._project.services.values()
            if service.local.server == "kafka"
        }
        ports.save()
        self._cache = Cache(cache_folder(environ), runner, self._heard, environ)
        self._tools = Toolchain(self._cache)
        self._archives: list[ClassArchive] = []
        self.fetch_seconds: dict[str, float] = {}
        self.environment_seconds: dict[str, float] = {}

    def statuses(self) -> tuple[ServiceStatus, ...]:
        """Return all services as they are before they are started."""
        services = self._project.services.values()
        return tuple(ServiceStatus(service.name, kind_of(service, self._project), "starting") for service in services)

    async def units(self) -> list[Unit]:
        """Return what to run, in an order in which each comes after all it depends on.

        Tools and packages are fetched and installed together; the first failure ends the others.
        """
        try:
            return await self._prepare_all()
        except ExceptionGroup as failures:
            raise _first(failures) from None

    async def _prepare_all(self) -> list[Unit]:
        services = self._project.services.values()
        # Two services may share a folder: one package with two entry points.
        folders: dict[object, ComposeService] = {}
        for service in services:
            folders.setdefault((service.folder, service.local.runtime), service)
        async with asyncio.TaskGroup() as group:
            tools = group.create_task(self._find_tools())
            for service in folders.values():
                group.create_task(self._install(service))
            servers = {s.name: group.create_task(self._server(s)) for s in services if s.local.server}
        return [servers[s.name].result() if s.name in servers else self._app(s, tools.result()) for s in services]

    async def improve(self) -> None:
        """Do what makes the next start faster."""
        for archive in self._archives:
            await archive.make(self._runner)

    async def _find_tools(self) -> Tools:
        runtimes = {service.local.runtime for service in self._project.services.values()}
        node = (await self._tools.node()).bin if "node" in runtimes else None
        postgres = (await self._tools.postgres()).bin if "postgres" in runtimes else None
        return Tools(node, postgres)

    async def _install(self, service: ComposeService) -> None:
        folder = service.folder
        if service.local.runtime == "python" and not python_is_current(folder):
            await self._timed(service, install_python(folder, self._runner, self._environ))
        elif service.local.runtime == "node" and not node_is_current(folder):
            node = await self._tools.node()
            await self._timed(service, install_node(folder, node, self._runner, self._environ))

    async def _timed(self, service: ComposeService, installation: Awaitable[None]) -> None:
        began = time.monotonic()
        self._emit(EnvironmentStarted(service.name))
        await installation
        seconds = self.environment_seconds[service.name] = time.monotonic() - began
        self._emit(EnvironmentDone(service.name, seconds))

    async def _server(self, service: ComposeService) -> Unit:
        port = self._addresses[service.name].local
        if service.local.server == "postgres":
            tool = await self._tools.postgres()
            return PostgresServer(tool, service, port, self._run, self._runner).unit()
        java, kafka = await asyncio.gather(self._tools.java(), self._tools.kafka())
        archive = ClassArchive(self._cache, java, kafka)
        self._archives.append(archive)
        ports = (port, self._controllers[service.name])
        folder = self._run.data / service.name
        return KafkaServer(java, kafka, service, ports, folder, self._runner).unit(*archive.options())

    def _app(self, service: ComposeService, tools: Tools) -> Unit:
        return app_unit(service, self._project, self._addresses, tools, self._environ, self._run.cache)

    def _heard(self, event: Event) -> None:
        if isinstance(event, FetchDone):
            self.fetch_seconds[event.tool] = event.seconds
        self._emit(event)


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    error = failures.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
