"""`dsscaffold replay`: put the dead letters of a topic back on it."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsscaffold.errors import DsscaffoldError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.one_off import Answer

#: What a repository brings for it: the tool itself knows the broker.
_TOOL = ("python", "-m", "app.replay")


@dataclass(frozen=True)
class Letter:
    """One dead letter, and what became of it: `put back`, `copy` of one that was, or `too old`."""

    outcome: str
    key: str | None
    type: str | None
    reason: str | None
    group: str | None
    time: str | None


@dataclass(frozen=True)
class ReplayResult:
    """What was put back, or with `dry_run` would be."""

    topic: str
    dry_run: bool
    letters: tuple[Letter, ...]
    document: dict[str, Any]

    @property
    def put_back(self) -> int:
        """Return the number of messages that were put back."""
        return sum(letter.outcome == "put back" for letter in self.letters)

    def to_json(self) -> dict[str, Any]:
        """Return what the repository's own tool said."""
        return self.document


def run_replay(repo: Path, topic: str, *, dry_run: bool = False) -> ReplayResult:
    """Have a service of the repository put the dead letters back; any can, for any topic.

    Raises:
        UsageError: the topic has no dead letter topic.
        DsscaffoldError: the repository does not run or has no such tool, or the broker does not answer.
    """
    from dsscaffold.runtime.one_off import call_in

    options = ("--dry-run",) if dry_run else ()
    answer = call_in(repo, _service_with_tool(repo), (*_TOOL, topic, "--json", *options))
    document = _document(answer)
    if "error" in document:
        raise _failure(document, answer.code, topic)
    letters = tuple(_letter(entry) for entry in document["letters"])
    return ReplayResult(topic, dry_run, letters, document)


def _service_with_tool(repo: Path) -> str:
    from dsscaffold.runtime.one_off import built_services

    services = built_services(repo)
    for name, folder in services.items():
        if (folder / "app" / "replay.py").is_file():
            return name
    if any((folder / "requirements.txt").is_file() for folder in services.values()):
        hint = "Take the newer templates: dsscaffold update"
        raise DsscaffoldError("No service here has app/replay.py, which puts dead letters back.", hint)
    raise DsscaffoldError("No Python service is here, and only those can put dead letters back.")


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.stdout)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        last = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DsscaffoldError(f"The repository's own tool failed with code {answer.code}: {last}")
    return document


def _failure(document: dict[str, Any], code: int, topic: str) -> DsscaffoldError:
    message = f"{str(document['error'])[:1].upper()}{str(document['error'])[1:]}."
    if "topics" not in document:
        return DsscaffoldError(message, "`dsscaffold status` shows what runs.", code)
    near = difflib.get_close_matches(topic, document["topics"], 1)
    return UsageError(message, f"Did you mean {near[0]!r}?" if near else None)


def _letter(entry: dict[str, Any]) -> Letter:
    return Letter(**{name: entry[name] for name in ("outcome", "key", "type", "reason", "group", "time")})
