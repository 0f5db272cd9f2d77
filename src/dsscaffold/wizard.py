"""The questions of `new`, for a person at a terminal. What an option has answered already is not asked."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import questionary

from dsscaffold.errors import UsageError
from dsscaffold.project.catalogue import Catalogue, Entry
from dsscaffold.project.choices import DEFAULT_PRESET, Choices, make_manifest, with_copyright
from dsscaffold.project.manifest import BLANK_ROLE, NO_LICENSE, Manifest, Service, check_manifest
from dsscaffold.project.names import check_service_name, nearest_label
from dsscaffold.project.yaml_source import read_yaml

USUAL_PORT = 3000

_BLANK = "(none)"
_HOW = "(space chooses, Enter goes on)"
#: The columns that there are for what is wrong with an answer, which never breaks.
_NARROW = 40
#: What questionary puts before a description.
_LABEL = len("  Description: ")


def ask_manifest(name: str, choices: Choices, catalogue: Catalogue) -> Manifest:
    """Ask for all that `choices` leaves open and return the manifest.

    An answer that does not go with the others is explained, and its question asked again.

    Raises:
        UsageError: an option is wrong.
        KeyboardInterrupt: the person left.
    """
    missing = choices.unanswered(catalogue)
    if "--preset" in missing:
        choices = replace(choices, preset=_ask_preset(catalogue))
    manifest = make_manifest(name, choices, catalogue)
    if "--broker" in missing:
        manifest = replace(manifest, broker=_ask_entry("Broker?", catalogue.brokers, manifest.broker))
    while True:
        asked = manifest
        if "--service" in missing:
            asked = replace(asked, services=_ask_services(asked, catalogue))
        if "--pattern" in missing:
            asked = replace(asked, patterns=_ask_patterns(asked, catalogue))
        try:
            checked = check_manifest(asked, catalogue)
            return _ask_license(checked, catalogue) if "--license" in missing else checked
        except UsageError as error:
            if not {"--service", "--pattern"} & set(missing):
                raise
            questionary.print(f"{error.message} {error.hint or ''}".rstrip(), style="fg:ansiyellow")
            manifest = asked


def ask_port() -> int | None:
    """Ask for the gateway's port; None stands for the usual one."""
    default = str(USUAL_PORT)
    text = str(_answer(questionary.text("Gateway port?", default=default, validate=_valid_port)))
    return None if text == default else int(text)


def _valid_port(text: str) -> bool | str:
    return (text.isdecimal() and 0 < int(text) < 65536) or "A number from 1 to 65535."


def _ask_preset(catalogue: Catalogue) -> str:
    options = []
    for name, path in catalogue.presets.items():
        source = read_yaml(path)
        options.append(_choice(name, source.data["summary"]))
    return str(_answer(questionary.select("Preset?", options, default=DEFAULT_PRESET)))


def _ask_entry(question: str, entries: dict[str, Entry], default: str) -> str:
    options = [_choice(name, entry.summary) for name, entry in entries.items()]
    return str(_answer(questionary.select(question, options, default=default)))


def _choice(name: str, text: str, *, checked: bool = False) -> questionary.Choice:
    """Return a choice that explains itself while the pointer is on it, in as many lines as the terminal needs."""
    width = max(shutil.get_terminal_size().columns - 1, 2 * _LABEL)
    lines = textwrap.fill(text, width, initial_indent=" " * _LABEL, subsequent_indent=" " * _LABEL)
    return questionary.Choice(name, value=name, checked=checked, description=lines.strip())


def _ask_services(manifest: Manifest, catalogue: Catalogue) -> tuple[Service, ...]:
    options = [
        questionary.Choice(f"{service.name} ({service.lang}, {service.role or 'blank'})", value=service, checked=True)
        for service in manifest.services
    ]
    services: list[Service] = _answer(questionary.checkbox("Services?", options, instruction=_HOW)) if options else []
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
    options = [_choice(role, _describe(entry)) for role, entry in roles.items()]
    if BLANK_ROLE not in roles:
        options.append(questionary.Choice(_BLANK, value=_BLANK))
    role = str(_answer(questionary.select("What does it do?", options)))
    return Service(name, lang, None if role == _BLANK else role)


def _valid_name(text: str, taken: set[str]) -> bool | str:
    if text in taken:
        return "There is one of this name already."
    try:
        check_service_name(text)
    except UsageError:
        # One line has to do, in the narrowest terminal too: a name that will do says most.
        near = nearest_label(text, "service")
        said = f"Not a name. Try: {near}"
        return said if near and len(said) < _NARROW else "Use a-z, 0-9 and hyphens, a-z first."
    return True


def _ask_patterns(manifest: Manifest, catalogue: Catalogue) -> tuple[str, ...]:
    options = [
        _choice(name, _describe(entry), checked=name in manifest.patterns) for name, entry in catalogue.patterns.items()
    ]
    check = _go_together(catalogue.patterns)
    return tuple(_answer(questionary.checkbox("Patterns?", options, validate=check, instruction=_HOW)))


def _go_together(patterns: dict[str, Entry]) -> Callable[[Collection[str]], bool | str]:
    """Return what says at once which of the chosen patterns lacks or excludes another one.

    Services that a pattern needs are no matter of this question: they are asked for again.
    """

    def check(chosen: Collection[str]) -> bool | str:
        for name in chosen:
            requires = patterns[name].requires
            for other in requires.patterns:
                if other not in chosen:
                    return f"{name} needs {other}"
            for other in requires.conflicts:
                if other in chosen:
                    return f"{name} excludes {other}"
        return True

    return check


def _ask_license(manifest: Manifest, catalogue: Catalogue) -> Manifest:
    """Ask for the license, and for the holders of the copyright if it has one."""
    nothing = _choice(NO_LICENSE, "No LICENSE: nobody else may use the code. Right for what stays inside")
    options = [nothing, *(_choice(name, entry.summary) for name, entry in catalogue.licenses.items())]
    default = manifest.license or NO_LICENSE
    chosen = str(_answer(questionary.select("License?", options, default=default)))
    manifest = with_copyright(replace(manifest, license=None if chosen == NO_LICENSE else chosen))
    if manifest.license:
        prompt = questionary.text("Copyright?", default=manifest.copyright or "", validate=_valid_copyright)
        manifest = replace(manifest, copyright=str(_answer(prompt)))
    return check_manifest(manifest, catalogue)


def _valid_copyright(text: str) -> bool | str:
    return bool(text.strip()) or "Years and holders: 2026 The demo team"


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
