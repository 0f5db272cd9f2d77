"""What a person chose for a new repository, by options or by answers, and the manifest that it makes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.project.catalogue import Catalogue
from dsscaffold.project.manifest import Manifest, Service, check_manifest, load_manifest, load_preset

#: The preset that `--yes` takes.
DEFAULT_PRESET = "shop"

#: The word for no service, or no pattern, in place of the preset's.
NOTHING = "none"


@dataclass(frozen=True)
class Choices:
    """Options of `new`; None or empty means that nothing was said.

    `services` are texts of the form NAME:LANG[:ROLE]; given ones replace those of the preset, and so do patterns. The
    word "none" replaces them by nothing.
    """

    preset: str | None = None
    services: tuple[str, ...] = ()
    broker: str | None = None
    patterns: tuple[str, ...] = ()
    answers: Path | None = None
    license: str | None = None
    copyright: str | None = None

    def unanswered(self, catalogue: Catalogue) -> tuple[str, ...]:
        """Return the options that a person is still asked for, in the order of the questions."""
        if self.answers is not None:
            return ()
        missing = {
            "--preset": self.preset is None,
            "--broker": self.broker is None and len(catalogue.brokers) > 1,
            "--service": not self.services,
            "--pattern": not self.patterns and bool(catalogue.patterns),
            "--license": self.license is None and bool(catalogue.licenses),
        }
        return tuple(option for option, asked in missing.items() if asked)


def make_manifest(name: str, choices: Choices, catalogue: Catalogue) -> Manifest:
    """Return the manifest of a new project: the answers file or the preset, with what was chosen over it.

    Raises:
        UsageError: a choice is unknown or does not go with another one.
    """
    if choices.answers and choices.preset:
        raise UsageError("--answers and --preset exclude each other.", "Leave one of them out.")
    if choices.answers:
        base = replace(load_manifest(choices.answers, catalogue), name=name)
    else:
        base = load_preset(choices.preset or DEFAULT_PRESET, name, catalogue)
    services = tuple(parse_service(text) for text in _named("--service", choices.services))
    chosen = replace(
        base,
        broker=choices.broker or base.broker,
        patterns=_named("--pattern", choices.patterns) if choices.patterns else base.patterns,
        services=services if choices.services else base.services,
        license=choices.license or base.license,
        copyright=choices.copyright or base.copyright,
    )
    checked = check_manifest(chosen, catalogue)
    if choices.copyright and not checked.license:
        raise UsageError("--copyright is for the text of a license.", f"Add --license, one of: {_ids(catalogue)}.")
    return with_copyright(checked)


def with_copyright(manifest: Manifest) -> Manifest:
    """Return the manifest with this year and the team as the holders, if a license needs them and nobody is named."""
    if not manifest.license or manifest.copyright:
        return manifest
    return replace(manifest, copyright=f"{time.localtime().tm_year} The {manifest.name} team")


def _named(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return what an option was given, which is nothing where it was given that word."""
    if NOTHING not in values:
        return values
    if len(values) > 1:
        raise UsageError(f"{option} {NOTHING} goes with no other {option}.", "Leave one of them out.")
    return ()


def _ids(catalogue: Catalogue) -> str:
    return ", ".join(catalogue.licenses)


def parse_service(text: str) -> Service:
    """Return the service that NAME:LANG or NAME:LANG:ROLE names.

    Raises:
        UsageError: the text has another form.
    """
    words = text.split(":")
    if len(words) not in {2, 3} or not all(words):
        raise UsageError(f"{text!r} is not of the form NAME:LANG or NAME:LANG:ROLE.", "For example: payments:python")
    return Service(words[0], words[1], words[2] if len(words) == 3 else None)
