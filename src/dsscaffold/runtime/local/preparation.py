"""All that has to be there before anything is started: ports, tools, packages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dsscaffold.runtime.compose.order import check_names, with_needs
from dsscaffold.runtime.compose.reader import read_compose
from dsscaffold.runtime.events import Note
from dsscaffold.runtime.local.addresses import assign
from dsscaffold.runtime.local.mounts import with_mounts, write_mounts
from dsscaffold.runtime.local.plan import Tools, app_unit, kind_of
from dsscaffold.runtime.local.provision import Provision, explain
from dsscaffold.runtime.results import ServiceStatus
from dsscaffold.runtime.servers.kafka import KafkaServer
from dsscaffold.runtime.servers.kafka_archive import ClassArchive
from dsscaffold.runtime.servers.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dsscaffold.runtime.compose.model import ComposeService
    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.ports import PortBook
    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.repo import RunFolder
    from dsscaffold.runtime.unit import Unit


class Preparation:
    """Read the compose file and claim the ports at once; `units` then fetches and installs what is missing.

    `names` are the services that are wanted, with all they depend on but what is `settled`; none means all.
    """

    def __init__(
        self,
        run: RunFolder,
        runner: Runner,
        ports: PortBook,
        environ: Mapping[str, str],
        emit: OnEvent,
        names: Iterable[str] = (),
        settled: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._run = run
        self._runner = runner
        self._ports = ports
        self._environ = environ
        self._project = read_compose(run.repo, environ)
        services = self._project.services
        check_names(names, services)
        for warning in self._project.warnings:
            emit(Note(warning))
        wanted = with_needs(list(names) or services, services, settled)
        self._services = [services[name] for name in wanted]
        self._addresses = assign(services, ports, wanted)
        self._controllers = {
            service.name: ports.claim(f"{service.name}.controller")
            for service in self._services
            if service.local.server == "kafka"
        }
        ports.save()
        self._provision = Provision(runner, environ, emit, run.packages_lock)
        self._archives: list[ClassArchive] = []

    @property
    def fetch_seconds(self) -> Mapping[str, float]:
        """Return how long each tool took to fetch."""
        return self._provision.fetch_seconds

    @property
    def environment_seconds(self) -> Mapping[str, float]:
        """Return how long the packages of each service took."""
        return self._provision.environment_seconds

    def statuses(self) -> tuple[ServiceStatus, ...]:
        """Return all services as they are before they are started."""
        return tuple(ServiceStatus(s.name, kind_of(s, self._project), "starting") for s in self._services)

    async def units(self) -> list[Unit]:
        """Return what to run, in an order in which each comes after all it depends on.

        Tools and packages are fetched and installed together; the first failure ends the others.
        """
        try:
            units = await self._prepare_all()
        except ExceptionGroup as failures:
            raise explain(failures, self._provision, self._services) from None
        # Of all, since what runs already may read there of what is started now.
        for service in self._project.services.values():
            write_mounts(service, self._run.mounts, self._addresses)
        return units

    async def _prepare_all(self) -> list[Unit]:
        services = self._services
        async with asyncio.TaskGroup() as group:
            tools = group.create_task(self._provision.runtimes(services))
            group.create_task(self._provision.packages(services))
            servers = {s.name: group.create_task(self._server(s)) for s in services if s.local.server}
        return [servers[s.name].result() if s.name in servers else self._app(s, tools.result()) for s in services]

    async def improve(self) -> None:
        """Do what makes the next start faster."""
        for archive in self._archives:
            await archive.make(self._runner)

    async def _server(self, service: ComposeService) -> Unit:
        port = self._addresses[service.name].local
        tools = self._provision.tools
        if service.local.server == "postgres":
            tool = await tools.postgres()
            return PostgresServer(tool, service, port, self._run, self._runner).unit()
        java, kafka = await asyncio.gather(tools.java(), tools.kafka())
        archive = ClassArchive(self._provision.cache, java, kafka)
        self._archives.append(archive)
        ports = (port, self._controllers[service.name])
        folder = self._run.data / service.name
        return KafkaServer(java, kafka, service, ports, folder, self._runner).unit(*archive.options())

    def _app(self, service: ComposeService, tools: Tools) -> Unit:
        service = with_mounts(service, self._run.mounts)
        return app_unit(service, self._project, self._addresses, tools, self._environ, self._run.cache)
