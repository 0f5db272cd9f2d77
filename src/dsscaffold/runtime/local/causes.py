"""Recognise in the last lines of a log why a program could not start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class _Known:
    """`pattern` finds it in a line; `text` says it in our words, with the groups of the match."""

    pattern: re.Pattern[str]
    text: str


def _known(pattern: str, text: str) -> _Known:
    return _Known(re.compile(pattern), text)


# The first that fits the latest line wins, so what is more particular comes first.
_CAUSES = (
    _known(
        r"Wrong environment: (?P<a>[^\"]+?)(?: \"|[\"\\]|$)", "Its environment is wrong: {a}; see its compose.yaml."
    ),
    _known(r"[Ii]nvalid DSN|[Ii]nvalid (?:connection|database) URL", "Its DATABASE_URL is no address of a database."),
    _known(
        r"password authentication failed for user \"(?P<a>[^\"]+)\"",
        "The database refuses the user {a}: check the password in its DATABASE_URL.",
    ),
    _known(r"role \"(?P<a>[^\"]+)\" does not exist", "The database has no user {a}: check its DATABASE_URL."),
    _known(
        r"(?:FATAL|InvalidCatalogName|error).*database \"(?P<a>[^\"]+)\" does not exist",
        "There is no database {a}: check its DATABASE_URL.",
    ),
    _known(r"too many (?:clients|connections)", "The database has no connection left: `dsscaffold restart postgres`."),
    _known(
        r"(?:EADDRINUSE|[Aa]ddress already in use).*?(?P<a>:\d{2,5}\b|, \d{2,5}\))?$",
        "Its port is taken by another process{a}.",
    ),
    _known(
        r"ModuleNotFoundError: No module named '(?P<a>[^']+)'",
        "The Python module {a} is not found: it is missing in requirements.txt, or its name is misspelt.",
    ),
    _known(
        r"ImportError: cannot import name '(?P<a>[^']+)' from '(?P<b>[^']+)'",
        "{b} has nothing of the name {a}: an import is misspelt.",
    ),
    _known(
        r"(?:Cannot find (?:package|module)|does not provide an export named) '(?P<a>[^']+)'",
        "The import {a} is not found: it is missing in package.json, or its name is misspelt.",
    ),
    _known(
        r"(?P<a>(?:Syntax|Indentation|Tab)Error)(?: \[\w+\])?: (?P<b>.+)",
        "The source does not parse{where}: {b}",
    ),
    _known(r"ERR_INVALID_TYPESCRIPT_SYNTAX|Unexpected token", "The source does not parse{where}."),
    _known(
        r"KeyError: '(?P<a>[A-Z][A-Z0-9_]+)'", "The environment variable {a} has no value: set it in its compose.yaml."
    ),
    _known(
        r"(?i)(?:environment variable|variable|env)\W+(?P<a>(?-i:[A-Z][A-Z0-9_]{2,}))\b"
        r".*?(?:missing|required|not set|invalid|must|no value)",
        "The environment variable {a} is missing or wrong: see its compose.yaml.",
    ),
    _known(
        r"^\W*(?:\w*Error: )?(?P<a>[A-Z][A-Z0-9]*_[A-Z0-9_]+|PORT)\b:? .*?"
        r"(?:missing|required|not set|invalid|must|is not|no value|has to)",
        "The environment variable {a} is missing or wrong: see its compose.yaml.",
    ),
    _known(
        r"(?:No space left on device|ENOSPC)",
        "The disk is full: make room; `dsscaffold doctor` says how much there is.",
    ),
    _known(r"(?:JavaScript heap out of memory|MemoryError|OutOfMemoryError)", "It ran out of memory."),
)
_WHERE = re.compile(r"File \"(?P<file>[^\"]+)\", line (?P<line>\d+)|^(?:file://)?(?P<file2>/\S+\.\w+):(?P<line2>\d+)")


def known_cause(lines: Sequence[str]) -> str:
    """Return the reason that the last lines tell, in words for a person; empty where none is recognised."""
    for index in range(len(lines) - 1, -1, -1):
        for known in _CAUSES:
            # Logs of JSON have their quotes escaped.
            if match := known.pattern.search(lines[index].replace('\\"', '"')):
                groups = {name: value or "" for name, value in match.groupdict().items()}
                if "in use" in known.pattern.pattern:
                    groups["a"] = _port(groups["a"])
                return known.text.format(**{"a": "", "b": "", **groups}, where=_where(lines[: index + 1]))
    return ""


def _port(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return f" ({digits})" if digits else ""


def _where(lines: Sequence[str]) -> str:
    """Return the last place in the source that was named, as ` in file:line`."""
    for line in reversed(lines):
        if match := _WHERE.search(line.strip()):
            return f" in {match['file'] or match['file2']}:{match['line'] or match['line2']}"
    return ""
