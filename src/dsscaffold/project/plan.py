"""The plan: which folders of the catalogue make which part of the repository, and with what data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from dsscaffold.project.catalogue import Catalogue, Entry
from dsscaffold.project.manifest import BLANK_ROLE, Manifest, Service
from dsscaffold.project.names import env_name

#: The folder that the services lie in.
SERVICES = "services"


@dataclass(frozen=True)
class Part:
    """One part of the repository, the unit of every merge: the root, the gateway, or one service.

    `layers` are laid over each other in order: a later file replaces an earlier one of the same path.
    `service` is the name of the service that the part is, None for the others.
    """

    folder: PurePosixPath
    layers: tuple[Path, ...]
    service: str | None = None


@dataclass(frozen=True)
class Plan:
    """The parts of one repository and the data that every templated file of it sees."""

    parts: tuple[Part, ...]
    context: dict[str, Any]


def make_plan(manifest: Manifest, catalogue: Catalogue, version: str) -> Plan:
    """Plan the repository that `manifest` describes; `version` is the one of dsscaffold."""
    manifest = _with_blank_roles(manifest, catalogue)
    parts = [
        Part(PurePosixPath("."), _layers(manifest, catalogue, "repo") + _layers(manifest, catalogue, "compose")),
        Part(PurePosixPath("gateway"), _layers(manifest, catalogue, "gateway")),
    ]
    parts += [
        Part(
            PurePosixPath(SERVICES, service.name),
            _layers(manifest, catalogue, f"{service.lang}-service", service.role),
            service.name,
        )
        for service in manifest.services
    ]
    return Plan(tuple(parts), make_context(manifest, catalogue, version))


def make_context(manifest: Manifest, catalogue: Catalogue, version: str) -> dict[str, Any]:
    """Return the names that templates may use. They are only ever added to: old archives must still render."""
    roles: defaultdict[str, list[str]] = defaultdict(list)
    for service in manifest.services:
        if service.role:
            roles[service.role].append(service.name)
    url = catalogue.brokers[manifest.broker].url
    return {
        "project_name": manifest.name,
        "broker": manifest.broker,
        # Else it stays undefined, which a template that asks for it is told.
        **({"broker_url": url} if url else {}),
        "patterns": list(manifest.patterns),
        "services": [_service_context(service) for service in manifest.services],
        "role_services": dict(roles),
        "license": manifest.license,
        "copyright": manifest.copyright or f"The {manifest.name} team",
        "dsscaffold_version": version,
    }


def _with_blank_roles(manifest: Manifest, catalogue: Catalogue) -> Manifest:
    """Give every service without a role the blank one, where the catalogue has it in its language."""
    blank = catalogue.roles.get(BLANK_ROLE)
    if blank is None:
        return manifest
    services = (
        replace(service, role=BLANK_ROLE)
        if service.role is None and blank.layer(f"{service.lang}-service") is not None
        else service
        for service in manifest.services
    )
    return replace(manifest, services=tuple(services))


def _service_context(service: Service) -> dict[str, Any]:
    return {"name": service.name, "lang": service.lang, "role": service.role, "env": env_name(service.name)}


def _layers(manifest: Manifest, catalogue: Catalogue, target: str, role: str | None = None) -> tuple[Path, ...]:
    entries: list[Entry] = [catalogue.brokers[manifest.broker]]
    if role:
        entries.append(catalogue.roles[role])
    entries += [catalogue.patterns[name] for name in manifest.patterns]
    if manifest.license:
        entries.append(catalogue.licenses[manifest.license])
    layers = [catalogue.base(target), *(entry.layer(target) for entry in entries)]
    return tuple(layer for layer in layers if layer is not None)
