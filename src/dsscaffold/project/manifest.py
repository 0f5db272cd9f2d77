"""dsscaffold.yaml: the state that a team wants its repository to be in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsscaffold.errors import UsageError
from dsscaffold.project.catalogue import Catalogue, Entry
from dsscaffold.project.names import check_name, check_service_name, did_you_mean
from dsscaffold.project.yaml_source import KeyPath, YamlSource, parse_yaml, read_yaml

MANIFEST_NAME = "dsscaffold.yaml"
VERSION = 1

#: What a service without a role is: the folder of that name under roles/.
BLANK_ROLE = "blank"

#: The word for no license; none stands in dsscaffold.yaml then.
NO_LICENSE = "none"

_KEYS = frozenset({"version", "name", "license", "copyright", "broker", "patterns", "services"})
_PRESET_KEYS = (_KEYS - {"name"}) | {"title", "summary"}
_NO_ROLE = "Leave the role out for a blank service, or take another language."
_SERVICE_KEYS = frozenset({"lang", "role", "id"})


@dataclass(frozen=True)
class Service:
    """One service of the team. Without a `role` it is a blank one; `id` is written once it has another name."""

    name: str
    lang: str
    role: str | None = None
    id: str | None = None

    @property
    def identity(self) -> str:
        """Return what stays the same when the service is renamed: the name that it began with."""
        return self.id or self.name

    @property
    def is_blank(self) -> bool:
        """Tell whether it is what a team starts from, rather than one of the samples."""
        return self.role in {None, BLANK_ROLE}


@dataclass(frozen=True)
class Manifest:
    """A valid manifest: `patterns` and `services` are sorted by name, whatever order the file has them in.

    `license` is an SPDX id of the catalogue; `copyright` are its years and holders. The year stands in the manifest, so
    that the same manifest gives the same LICENSE in every year.
    """

    name: str
    broker: str
    patterns: tuple[str, ...]
    services: tuple[Service, ...]
    license: str | None = None
    copyright: str | None = None

    def with_role(self, role: str) -> tuple[Service, ...]:
        """Return the services that have `role`."""
        return tuple(service for service in self.services if service.role == role)

    def to_yaml(self) -> str:
        """Return the text of dsscaffold.yaml as `new` writes it."""
        lines = [
            "# What this repository is made of. Edit it and run `dsscaffold update`, or use the verbs of the CLI.",
            f"version: {VERSION}",
            f"name: {self.name}",
            *self.license_lines(),
            f"broker: {self.broker}",
            f"patterns: [{', '.join(self.patterns)}]",
            "services:" if self.services else "services: {}",
        ]
        lines += [f"  {service.name}: {service_yaml(service)}" for service in self.services]
        return "\n".join(lines) + "\n"

    def license_lines(self) -> list[str]:
        """Return the lines of dsscaffold.yaml about the license, as many as there is something to say."""
        quoted = json.dumps(self.copyright, ensure_ascii=False) if self.copyright else None
        fields = {"license": self.license, "copyright": quoted}
        return [f"{key}: {value}" for key, value in fields.items() if value]


def service_yaml(service: Service) -> str:
    """Return what stands behind a service's name in dsscaffold.yaml, on one line."""
    fields = {"lang": service.lang, "role": service.role, "id": service.id}
    return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items() if value) + "}"


def load_manifest(path: Path, catalogue: Catalogue) -> Manifest:
    """Read and check the manifest at `path`.

    Raises:
        UsageError: with file, line and the nearest valid word, where something in it is unknown or does not fit.
    """
    return _read_manifest(read_yaml(path), catalogue)


def parse_manifest(path: Path, text: str, catalogue: Catalogue) -> Manifest:
    """Check `text`, which is going to stand in the file at `path`, as `load_manifest` does."""
    return _read_manifest(parse_yaml(path, text), catalogue)


def _read_manifest(source: YamlSource, catalogue: Catalogue) -> Manifest:
    data = source.mapping((), source.data, _KEYS)
    if data.get("version") != VERSION:
        raise source.fail(
            ("version",), f"The version must be {VERSION}, not {data.get('version')!r}.", f"Write version: {VERSION}"
        )
    name = _checked(source, ("name",), data.get("name"), lambda text: check_name(text, "project"))
    return _read_body(source, data, name, catalogue)


def load_preset(name: str, project: str, catalogue: Catalogue) -> Manifest:
    """Return the manifest of the preset `name` for a new project called `project`."""
    check_name(project, "project")
    source = read_yaml(catalogue.preset(name))
    data = source.mapping((), source.data, _PRESET_KEYS)
    return _read_body(source, data, project, catalogue)


def check_manifest(manifest: Manifest, catalogue: Catalogue) -> Manifest:
    """Return a manifest that was put together from answers or options, sorted, if the catalogue can render it.

    Raises:
        UsageError: with the nearest valid word, where something in it is unknown or does not fit.
    """
    check_name(manifest.name, "project")
    names = [service.name for service in manifest.services]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"The service {name!r} stands twice.", "Give one of the two another name.")
    services = {service.name: {"lang": service.lang, "role": service.role} for service in manifest.services}
    data: dict[str, Any] = {"broker": manifest.broker, "patterns": list(manifest.patterns), "services": services}
    data |= {"license": manifest.license, "copyright": manifest.copyright}
    return _read_body(YamlSource(None, data, {}), data, manifest.name, catalogue)


def _read_body(source: YamlSource, data: dict[str, Any], name: str, catalogue: Catalogue) -> Manifest:
    broker = _known(source, ("broker",), data.get("broker"), "broker", catalogue.brokers)
    chosen = source.texts(("patterns",), data.get("patterns"))
    patterns = [_known(source, ("patterns",), item, "pattern", catalogue.patterns) for item in chosen]
    if len(set(patterns)) != len(patterns):
        raise source.fail(("patterns",), "A pattern stands twice.", "Keep one of the two.")
    services = _read_services(source, data.get("services"), catalogue)
    license_id, copyright_line = _read_license(source, data, catalogue)
    manifest = Manifest(name, broker, tuple(sorted(patterns)), services, license_id, copyright_line)
    _check_requirements(source, manifest, catalogue)
    return manifest


def _read_license(source: YamlSource, data: dict[str, Any], catalogue: Catalogue) -> tuple[str | None, str | None]:
    """Return license and copyright; SPDX ids are the same in any case of letters."""
    chosen, holders = data.get("license"), data.get("copyright")
    if isinstance(chosen, str):
        ids = {name.lower(): name for name in (*catalogue.licenses, NO_LICENSE)}
        chosen = ids.get(chosen.lower(), chosen)
    if chosen == NO_LICENSE:
        chosen = None
    if chosen is not None:
        chosen = _known(source, ("license",), chosen, "license", catalogue.licenses)
    if holders is not None and not source.text(("copyright",), holders).isprintable():
        raise source.fail(("copyright",), "The copyright must be one line of text.", "For example: 2026 The demo team")
    return chosen, holders


def _read_services(source: YamlSource, value: Any, catalogue: Catalogue) -> tuple[Service, ...]:
    services = []
    for name, entry in source.mapping(("services",), value).items():
        at = ("services", name)
        _checked(source, at, name, check_service_name)
        fields = source.mapping(at, entry, _SERVICE_KEYS)
        lang = _known(source, (*at, "lang"), fields.get("lang"), "language", catalogue.languages)
        role = fields.get("role")
        if role is not None:
            role = _known(source, (*at, "role"), role, "role", catalogue.roles)
            if catalogue.roles[role].layer(f"{lang}-service") is None:
                raise source.fail((*at, "role"), f"The role {role!r} does not exist in {lang}.", _NO_ROLE)
        own_id = fields.get("id")
        if own_id is not None:
            own_id = _checked(source, (*at, "id"), own_id, lambda text: check_name(text, "service"))
        services.append(Service(name, lang, role, own_id))
    _check_identities(source, services)
    return tuple(sorted(services, key=lambda service: service.name))


def _check_identities(source: YamlSource, services: list[Service]) -> None:
    """Refuse two services that a rename could not tell apart."""
    owners: dict[str, str] = {}
    for service in services:
        other = owners.setdefault(service.identity, service.name)
        if other != service.name:
            message = f"{service.name!r} has the id {service.identity!r}, and so has {other!r}, which was renamed."
            hint = f"Give the one that is new an id of its own, e.g. id: {service.identity}-2"
            raise source.fail(("services", service.name), message, hint)


def _check_requirements(source: YamlSource, manifest: Manifest, catalogue: Catalogue) -> None:
    roles = {service.role for service in manifest.services}
    chosen: list[tuple[KeyPath, Entry]] = [(("patterns",), catalogue.patterns[name]) for name in manifest.patterns]
    chosen += [
        (("services", service.name), catalogue.roles[service.role]) for service in manifest.services if service.role
    ]
    for at, entry in chosen:
        for pattern in entry.requires.patterns:
            if pattern not in manifest.patterns:
                what = "role" if at[0] == "services" else "pattern"
                hint = f"Add {pattern} to patterns, or take {at[-1] if what == 'role' else entry.name} out."
                raise source.fail(at, f"The {what} {entry.name!r} needs the pattern {pattern!r}.", hint)
        for role in entry.requires.roles:
            if role not in roles:
                hint = _add_service(source, role, catalogue.languages[0], entry)
                raise source.fail(at, f"{entry.name!r} needs a service with the role {role!r}.", hint)
        for other in entry.requires.conflicts:
            if other in manifest.patterns:
                raise source.fail(at, f"{entry.name!r} and {other!r} exclude each other.", "Keep one of the two.")
        _check_reserved(source, manifest, entry)


def _add_service(source: YamlSource, role: str, lang: str, entry: Entry) -> str:
    """Return how to add a service that is missing: a line of the file, or without one what the options take."""
    if source.path:
        return f"Add to services:  {role}: {{lang: {lang}, role: {role}}}"
    return f"Add the service {role}:{lang}:{role}, or leave {entry.name} out (--pattern none: no pattern)."


def _check_reserved(source: YamlSource, manifest: Manifest, entry: Entry) -> None:
    """Refuse a blank service whose route would be hidden by a call that the gateway has for `entry`."""
    for service in manifest.services:
        if service.is_blank and service.name in entry.requires.reserves:
            name, better = service.name, f"{service.name}-service"
            message = f"{name!r} cannot be a blank service here: /api/{name} belongs to {entry.name!r}."
            rename = f" If it is there already: dsscaffold rename-service {name} {better}" if source.path else ""
            raise source.fail(("services", name), message, f"Choose another name, e.g. {better}.{rename}")


def _known(source: YamlSource, at: tuple[str, ...], value: Any, what: str, known: Any) -> str:
    text = source.text(at, value)
    if text not in known:
        raise source.fail(at, f"There is no {what} {text!r}.", did_you_mean(text, known))
    return text


def _checked(source: YamlSource, at: tuple[str, ...], value: Any, check: Any) -> str:
    text = source.text(at, value)
    try:
        check(text)
    except UsageError as error:
        raise source.fail(at, error.message, error.hint) from error
    return text
