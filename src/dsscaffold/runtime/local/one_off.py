"""How a service of a repository that runs on this machine is run: folder, programs and environment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.compose.order import check_names
from dsscaffold.runtime.compose.reader import read_compose
from dsscaffold.runtime.local.addresses import Address, container_port
from dsscaffold.runtime.local.plan import app_unit
from dsscaffold.runtime.local.provision import Provision
from dsscaffold.runtime.local.state import read_state
from dsscaffold.runtime.process import Runner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsscaffold.runtime.compose.model import ComposeProject
    from dsscaffold.runtime.process import Command
    from dsscaffold.runtime.repo import RunFolder


def command_of(run: RunFolder, service: str, environ: Mapping[str, str]) -> Command:
    """Return the command of a service as the supervisor would start it now.

    Raises:
        DsscaffoldError: nothing is said yet of what runs, or there is no such service.
    """
    project = read_compose(run.repo, environ)
    check_names((service,), project.services)
    runner = Runner()
    try:
        provision = Provision(runner, environ, lambda _: None)
        tools = asyncio.run(provision.runtimes([project.services[service]]))
    finally:
        runner.close()
    return app_unit(project.services[service], project, _addresses(run, project), tools, environ, run.cache).command


def _addresses(run: RunFolder, project: ComposeProject) -> dict[str, Address]:
    """Return where the services listen: the ports that the supervisor gave them, not those of another try."""
    state = read_state(run)
    if state is None:
        raise DsscaffoldError("Everything is only just being started.", "Try again in a moment.")
    urls = {status.name: status.url for status in state.services}
    addresses = {}
    for service in project.services.values():
        port, url = container_port(service), urls.get(service.name)
        if port is not None and url:
            addresses[service.name] = Address(port, int(url.rsplit(":", 1)[1]))
    return addresses
