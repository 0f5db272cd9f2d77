"""Names of projects and services: what is allowed, and the nearest valid word for what is not."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from dsscaffold.errors import UsageError

# A DNS label: the name is a host name in Compose, a database, a role and a folder.
_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")

#: Names that the rendered repository gives to its own processes and infrastructure, or Postgres to what it brings.
RESERVED = frozenset(
    {
        "databases",
        "gateway",
        "hub",
        "kafka",
        "localhost",
        "nats",
        "none",
        "orchestrator",
        "postgres",
        "public",
        "rabbitmq",
        "redis",
        "template0",
        "template1",
    }
)

#: What YAML reads as something else than a text.
_YAML_WORDS = frozenset({"false", "no", "null", "off", "on", "true", "yes"})


def check_name(name: str, what: str) -> str:
    """Return `name` if it can serve as the name of `what` ("project", "service").

    Raises:
        UsageError: it is no DNS label of at most 40 characters, or no name in YAML; the hint has a valid one near it.
    """
    if name in _YAML_WORDS:
        raise UsageError(
            f"{name!r} cannot be the name of a {what}: in YAML it is no text.",
            f"Choose another name, e.g. {name}-{what}.",
        )
    if _LABEL.fullmatch(name) and "--" not in name:
        return name
    suggestion = nearest_label(name, what)
    hint = "Use 1 to 40 lower-case letters, digits and single hyphens, starting with a letter"
    raise UsageError(
        f"{name!r} cannot be the name of a {what}.",
        f"{hint}, e.g. {suggestion}." if suggestion else f"{hint}.",
    )


def check_project_argument(name: str) -> str:
    """Return `name`, as it was given for a new project, if it can be one's name; many give a path, as for `mkdir`.

    Raises:
        UsageError: it cannot; for a path the hint has the words to say it with.
    """
    if "/" not in name and name != ".":
        return check_name(name, "project")
    path = Path(name).absolute()
    near = nearest_label(path.name, "project") or "demo"
    parent = shlex.quote(str(Path(name).parent if path.name == Path(name).name else path.parent))
    raise UsageError(
        f"{name!r} is a path, not a name.", f"Say where by --output-dir: dsscaffold new {near} --output-dir {parent}"
    )


def check_service_name(name: str) -> str:
    """Return `name` if a service may have it.

    Raises:
        UsageError: it is no valid name, or one that the rendered repository needs itself.
    """
    check_name(name, "service")
    if name in RESERVED:
        raise UsageError(
            f"{name!r} is a name that the generated repository or its database uses itself.",
            f"Choose another name, e.g. {name}-service.",
        )
    return name


def env_name(name: str) -> str:
    """Return the prefix of a service's environment variables: `user-profiles` gives `USER_PROFILES`."""
    return name.upper().replace("-", "_")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest of the `known` words, or all of them where none is near."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(words)}." if words else "There is none to choose from."


def nearest_label(name: str, what: str) -> str:
    """Return a name that `what` may have, made of the letters of `name`; empty where it has none that would do."""
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").lstrip("0123456789-")[:40].rstrip("-")
    return f"{label}-{what}" if label in _YAML_WORDS or (label in RESERVED and what == "service") else label
