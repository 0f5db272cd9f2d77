"""The questions of `new`, for a person at a terminal. What an option has answered already is not asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import questionary

from dsscaffold.errors import UsageError
from dsscaffold.project.catalogue import Catalogue, Entry
from dsscaffold.project.choices import DEFAULT_PRESET, Choices, make_manifest
from dsscaffold.project.manifest import BLANK_ROLE, Manifest, Service, check_manifest
from dsscaffold.project.names import check_service_name
from dsscaffold.project.yaml_source import read_yaml

_BLANK = "(none)"


def ask_manifest(name: str, choices: Choices, catalogue: Catalogue) -> Manifest:
    """Ask for all that `choices` leaves open and return the manifest.

    An answer that does not go with the others is explained, and its question asked again.

    Raises:
        UsageError: an option is wrong.
        KeyboardInterrupt: the person left.
    """
    if choices.answers is None and choices.preset is None:
        choices = replace(choices, preset=_ask_preset(catalogue))
    manifest = make_manifest(name, choices, catalogue)
    if choices.answers is not None:
        return manifest
    if choices.broker is None and len(catalogue.brokers) > 1:
        manifest = replace(manifest, broker=_ask_entry("Broker?", catalogue.brokers, manifest.broker))
    while True:
        asked = manifest
        if not choices.services:
            asked = replace(asked, services=_ask_services(asked, catalogue))
        if not choices.patterns and catalogue.patterns:
            asked = replace(asked, patterns=_ask_patterns(asked, catalogue))
        try:
            return check_manifest(asked, catalogue)
        except UsageError as error:
            if choices.services and choices.patterns:
                raise
            questionary.print(f"{error.message} {error.hint or ''}".rstrip(), style="fg:ansiyellow")
            manifest = asked


def ask_port() -> int | None:
    """Ask for the gateway's port; None stands for the usual one."""
    default = "3000"
    text = str(_answer(questionary.text("Gateway port?", default=default, validate=_valid_port)))
    return None if text == default else int(text)


def _valid_port(text: str) -> bool | str:
    return (text.isdecimal() and 0 < int(text) < 65536) or "A number from 1 to 65535."


def _ask_preset(catalogue: Catalogue) -> str:
    options = []
    for name, path in catalogue.presets.items():
        source = read_yaml(path)
        options.append(questionary.Choice(f"{name}: {source.data['summary']}", value=name))
    return str(_answer(questionary.select("Preset?", options, default=DEFAULT_PRESET)))


def _ask_entry(question: str, entries: dict[str, Entry], default: str) -> str:
    options = [questionary.Choice(f"{name}: {entry.summary}", value=name) for name, entry in entries.items()]
    return str(_answer(questionary.select(question, options, default=default)))


def _ask_services(manifest: Manifest, catalogue: Catalogue) -> tuple[Service, ...]:
    options = [
        questionary.Choice(f"{service.name} ({service.lang}, {service.role or 'blank'})", value=service, checked=True)
        for service in manifest.services
    ]
    services: list[Service] = _answer(questionary.checkbox("Services?", options)) if options else []
    while _answer(questionary.confirm("Add a service of your own?", default=False)):
        services.append(_ask_service(services, catalogue))
    return tuple(services)


def _ask_service(others: list[Service], catalogue: Catalogue) -> Service:
    taken = {service.name for service in others}
    name = str(_answer(questionary.text("Its name?", validate=lambda text: _valid_name(text, taken))))
    lang = catalogue.languages[0]
    if len(catalogue.languages) > 1:
        lang = str(_answer(questionary.select("Its language?", list(catalogue.languages))))
    roles = {name: entry for name, entry in catalogue.roles.items() if entry.layer(f"{lang}-service")}
    options = [questionary.Choice(f"{role}: {entry.summary}", value=role) for role, entry in roles.items()]
    if BLANK_ROLE not in roles:
        options.append(questionary.Choice(_BLANK, value=_BLANK))
    role = str(_answer(questionary.select("What does it do?", options)))
    return Service(name, lang, None if role == _BLANK else role)


def _valid_name(text: str, taken: set[str]) -> bool | str:
    if text in taken:
        return f"There is a service {text} already."
    try:
        check_service_name(text)
    except UsageError as error:
        return f"{error.message} {error.hint or ''}".rstrip()
    return True


def _ask_patterns(manifest: Manifest, catalogue: Catalogue) -> tuple[str, ...]:
    options = [
        questionary.Choice(f"{name}: {_describe(entry)}", value=name, checked=name in manifest.patterns)
        for name, entry in catalogue.patterns.items()
    ]
    return tuple(_answer(questionary.checkbox("Patterns?", options)))


def _describe(entry: Entry) -> str:
    """Return the summary, with what the pattern needs and what it excludes."""
    needs = [*entry.requires.patterns, *(f"a service with the role {role}" for role in entry.requires.roles)]
    parts = [entry.summary]
    if needs:
        parts.append(f"needs {', '.join(needs)}")
    if entry.requires.conflicts:
        parts.append(f"not with {', '.join(entry.requires.conflicts)}")
    return "; ".join(parts)


def _answer(question: Any) -> Any:
    return question.unsafe_ask()
