"""Check a word that a person chose against the catalogue, and name the nearest one where it is not known."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dsscaffold.errors import UsageError
from dsscaffold.project.catalogue import Catalogue
from dsscaffold.project.manifest import Service
from dsscaffold.project.names import check_service_name, did_you_mean


def choose(what: str, word: str, known: Collection[str]) -> str:
    """Return `word` if it is one of the `known` names of `what` ("pattern", "role").

    Raises:
        UsageError: it is not, with the nearest one as the hint.
    """
    if word in known:
        return word
    newer = f"If it is new in the templates: dsscaffold update, then this again. {did_you_mean(word, known)}"
    raise UsageError(f"The templates of this repository have no {what} {word!r}.", newer)


def new_service(
    catalogue: Catalogue, name: str, lang: str | None, role: str | None, identities: Iterable[str]
) -> Service:
    """Return a service that the catalogue can render; `identities` are taken.

    Raises:
        UsageError: the name, the language or the role will not do.
    """
    check_service_name(name)
    if lang is None and len(catalogue.languages) > 1:
        raise UsageError("Which language?", f"Add --lang, one of: {', '.join(catalogue.languages)}.")
    language = choose("language", lang or catalogue.languages[0], catalogue.languages)
    if role is not None:
        choose("role", role, catalogue.roles)
        if catalogue.roles[role].layer(f"{language}-service") is None:
            raise UsageError(
                f"The role {role!r} does not exist in {language}.", "Leave --role out for a blank service."
            )
    return Service(name, language, role, _free_identity(name, set(identities)))


def existing_service(name: str, names: Iterable[str]) -> str:
    """Return `name` if it is one of the services `names`.

    Raises:
        UsageError: it is not, with the nearest one as the hint.
    """
    names = list(names)
    if name not in names:
        raise UsageError(f"There is no service {name!r} in dsscaffold.yaml.", did_you_mean(name, names))
    return name


def _free_identity(name: str, taken: set[str]) -> str | None:
    """Return an id for a new service whose name a renamed one goes on using as its id; None: its name will do."""
    if name not in taken:
        return None
    return next(f"{name}-{number}" for number in range(2, len(taken) + 3) if f"{name}-{number}" not in taken)
