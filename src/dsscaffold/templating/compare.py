"""What the templates changed since a repository was rendered, and what its team did."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dsscaffold import __version__
from dsscaffold.project.manifest import parse_manifest
from dsscaffold.templating.applied import Applied
from dsscaffold.templating.repository import Entries, open_repository
from dsscaffold.templating.scratch import Commit, Scratch
from dsscaffold.templating.sides import make_sides
from dsscaffold.templating.state import open_state, read_manifest, render_states

_WORDS = {"A": "added", "D": "deleted", "M": "changed", "T": "changed", "R": "renamed", "C": "added"}


@dataclass(frozen=True)
class Difference:
    """A file that one side changed; `was` is its path before where it has another now."""

    path: str
    status: str
    was: str | None = None


@dataclass(frozen=True)
class DiffResult:
    """Both sides' changes against what the repository was rendered from, as lists and as patches."""

    version_from: str
    version_to: str
    templates: tuple[Difference, ...]
    team: tuple[Difference, ...]
    templates_patch: str
    team_patch: str

    def to_json(self) -> dict[str, object]:
        """Return the document of `diff --json`."""
        return {
            "version": {"from": self.version_from, "to": self.version_to},
            "templates": _json(self.templates),
            "team": _json(self.team),
            "templatesPatch": self.templates_patch,
            "teamPatch": self.team_patch,
        }


def compare(folder: Path, templates: Path | None) -> DiffResult:
    """Compare the project in `folder`, as it is committed, and the templates with what it was rendered from.

    Raises:
        DsscaffoldError: what it was rendered from cannot be found.
    """
    repo = open_repository(folder)
    with open_state(repo, update=True, templates=templates) as (scratch, state):
        text = read_manifest(repo)
        manifest = parse_manifest(text.path, text.text, state.catalogue)
        wanted = Applied(manifest, __version__, "", None)
        base, theirs = render_states([(state.applied, state.origin_catalogue), (wanted, state.catalogue)])
        sides = make_sides(scratch, state.snapshot.ours, base, theirs)
        commits = [
            Commit("base", _joined(part.base for part in sides.parts)),
            Commit("templates", _joined(part.theirs for part in sides.parts)),
            Commit("yours", _joined(part.ours for part in sides.parts)),
        ]
        scratch.write(commits, sides.blobs)
        return DiffResult(
            state.applied.version,
            __version__,
            _differences(scratch, "templates"),
            _differences(scratch, "yours"),
            _patch(scratch, "templates"),
            _patch(scratch, "yours"),
        )


def _joined(sides: Iterable[Entries]) -> Entries:
    return {path: entry for entries in sides for path, entry in entries.items()}


def _differences(scratch: Scratch, side: str) -> tuple[Difference, ...]:
    said = scratch.run("diff-tree", "-r", "-M", "--name-status", "-z", "refs/base", f"refs/{side}")
    words = [os.fsdecode(word) for word in said.split(b"\0")[:-1]]
    found = []
    while words:
        kind = words.pop(0)[0]
        was = words.pop(0) if kind in "RC" else None
        found.append(Difference(words.pop(0), _WORDS.get(kind, "changed"), was))
    return tuple(sorted(found, key=lambda difference: difference.path))


def _patch(scratch: Scratch, side: str) -> str:
    return scratch.run("diff-tree", "-r", "-M", "-p", "refs/base", f"refs/{side}").decode(errors="replace")


def _json(differences: tuple[Difference, ...]) -> list[dict[str, str | None]]:
    return [{"path": each.path, "status": each.status, "was": each.was} for each in differences]
