"""Turn the addresses of containers into addresses on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsscaffold.runtime.ports import HOST
from dsscaffold.runtime.servers import kafka, postgres

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dsscaffold.runtime.compose.model import ComposeService
    from dsscaffold.runtime.ports import PortBook

_SERVER_PORTS = {"kafka": kafka.PORT, "postgres": postgres.PORT}


@dataclass(frozen=True)
class Address:
    """The port that a service listens on inside its container, and the one that it gets here."""

    container: int
    local: int


def container_port(service: ComposeService) -> int | None:
    """Return the port that a service listens on: what PORT says, or what its server is known for.

    Raises:
        UsageError: PORT is no number.
    """
    if service.local.server:
        return _SERVER_PORTS[service.local.server]
    text = service.environment.get("PORT")
    if text is None:
        return None
    if not text.isdecimal():
        raise service.error(f"The PORT of `{service.name}` is `{text}`, and must be a number.")
    return int(text)


def assign(
    services: Mapping[str, ComposeService], book: PortBook, wanted: Collection[str] | None = None
) -> dict[str, Address]:
    """Give every service that listens a port of its own, or the one that it publishes.

    Those that are not `wanted` now get one too, so that others know it already; only what they publish is not claimed.

    Raises:
        DsscaffoldError: a published port is taken, or is not the one that the service listens on.
    """
    addresses: dict[str, Address] = {}
    for service in services.values():
        port = container_port(service)
        published = _published(service, port)
        if published is not None and (wanted is None or service.name in wanted):
            book.claim_published(published, service.name)
        if port is not None:
            addresses[service.name] = Address(port, published or book.claim(service.name))
    return addresses


def rewrite(text: str, addresses: Mapping[str, Address]) -> str:
    """Replace every `service:port` by where that service listens on this machine."""
    if not addresses:
        return text
    names = "|".join(re.escape(name) for name in sorted(addresses, key=len, reverse=True))
    # Not inside a longer host name; and not `user:password@`, where both happen to look like an address.
    pattern = rf"(?<![\w.-])(?P<name>{names}):(?P<port>\d+)(?![\w.-]*@)(?!\d)"

    def here(match: re.Match[str]) -> str:
        address = addresses[match["name"]]
        return f"{HOST}:{address.local}" if int(match["port"]) == address.container else match[0]

    return re.sub(pattern, here, text)


def _published(service: ComposeService, port: int | None) -> int | None:
    if not service.ports:
        return None
    if len(service.ports) > 1 or service.ports[0].target != port:
        listens = f"listens on {port}" if port else "has no PORT"
        raise service.error(f"`{service.name}` {listens}; without Docker only that port can be published, and once.")
    return service.ports[0].published
