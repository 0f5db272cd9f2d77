"""`dsscaffold list`: what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dsscaffold.project.catalogue import Catalogue, Entry
from dsscaffold.project.yaml_source import read_yaml


@dataclass(frozen=True)
class Choice:
    """One thing to choose: `notes` say what it needs, what it excludes, where it exists."""

    name: str
    title: str
    summary: str
    notes: tuple[str, ...] = ()
    week: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "notes": list(self.notes),
            "week": self.week,
        }


@dataclass(frozen=True)
class ListResult:
    """The catalogue by kind ("presets", "patterns", "brokers", "roles", "licenses"), and the languages of services."""

    choices: dict[str, tuple[Choice, ...]]
    languages: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the document of `list --json`."""
        kinds = {kind: [choice.to_json() for choice in choices] for kind, choices in self.choices.items()}
        return {**kinds, "languages": list(self.languages)}


def run_list(catalogue: Catalogue) -> ListResult:
    """Return all that can be chosen from `catalogue`."""
    presets = []
    for name, path in catalogue.presets.items():
        data = read_yaml(path).data
        services = ", ".join(data.get("services") or {}) or "none"
        presets.append(Choice(name, data["title"], data["summary"], (f"services: {services}",)))
    return ListResult(
        {
            "presets": tuple(presets),
            "patterns": tuple(_choice(entry, ()) for entry in catalogue.patterns.values()),
            "brokers": tuple(_choice(entry, ()) for entry in catalogue.brokers.values()),
            "roles": tuple(_choice(entry, catalogue.languages) for entry in catalogue.roles.values()),
            "licenses": tuple(_choice(entry, ()) for entry in catalogue.licenses.values()),
        },
        catalogue.languages,
    )


def _choice(entry: Entry, languages: tuple[str, ...]) -> Choice:
    requires = entry.requires
    notes = [f"needs the pattern {name}" for name in requires.patterns]
    notes += [f"needs a service with the role {name}" for name in requires.roles]
    notes += [f"not with {name}" for name in requires.conflicts]
    if languages:
        notes.append(f"in {', '.join(lang for lang in languages if entry.layer(f'{lang}-service'))}")
    return Choice(entry.name, entry.title, entry.summary, tuple(notes), entry.week)
