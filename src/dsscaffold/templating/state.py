"""A project at rest: what git has of it, what it was rendered from, and how that is rendered again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.catalogue import Catalogue, find_templates, load_catalogue
from dsscaffold.project.manifest import MANIFEST_NAME
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.project.plan import make_plan
from dsscaffold.templating.applied import ARCHIVE, FOLDER, Applied, is_state, read_applied
from dsscaffold.templating.origin import check_not_newer, find_origin
from dsscaffold.templating.renderer import render_contents
from dsscaffold.templating.repository import Repository, Snapshot, read_blobs, take_snapshot
from dsscaffold.templating.sides import Rendering


@dataclass(frozen=True)
class State:
    """What a verb may look at: the repository, what was applied, what rendered it, and what can be rendered now.

    `templates` are those that the target is rendered from; without an upgrade they are `origin`.
    """

    repo: Repository
    snapshot: Snapshot
    applied: Applied
    origin: Path
    templates: Path
    archive_is_whole: bool
    catalogue: Catalogue

    @property
    def upgrades(self) -> bool:
        """Return whether other templates than those of the repository are asked for."""
        return self.templates != self.origin

    def files_below(self, folder: str) -> list[str]:
        """Return the files of the team below a folder of the project."""
        prefix = f"{self.repo.prefix}{folder}/"
        return sorted(path[len(self.repo.prefix) :] for path in self.snapshot.ours if path.startswith(prefix))


def read_state(repo: Repository, work: Path, *, update: bool, templates: Path | None = None) -> State:
    """Read the state of a project; with `update` its target are the installed templates, or `templates`.

    Raises:
        DsscaffoldError: it is none, a newer dsscaffold wrote it, or nobody has the templates that rendered it.
    """
    snapshot = take_snapshot(repo)
    applied = _read_applied(repo, snapshot)
    check_not_newer(applied)
    asked = find_templates(templates) if update else None
    unpacked = work / "origin"
    origin = find_origin(applied, unpacked, also=asked)
    catalogue = load_catalogue(asked or origin)
    return State(repo, snapshot, applied, origin, asked or origin, origin == unpacked, catalogue)


def read_manifest(repo: Repository) -> ManifestText:
    """Read dsscaffold.yaml as it lies in the work tree: people edit it.

    Raises:
        DsscaffoldError: it is missing, or no text.
    """
    path = repo.project / MANIFEST_NAME
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        hint = f"Bring it back: git checkout HEAD -- {MANIFEST_NAME}"
        raise DsscaffoldError(f"{path} is missing.", hint) from error
    except UnicodeDecodeError as error:
        raise DsscaffoldError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    return ManifestText(path, text)


def render_state(applied: Applied, catalogue: Catalogue, folder: Path) -> Rendering:
    """Render what `applied` says; what has to lie on disk for it goes into the new folder `folder`.

    Raises:
        DsscaffoldError: the templates do not have what it names.
    """
    try:
        plan = make_plan(applied.manifest, catalogue, applied.version)
    except KeyError as error:
        raise DsscaffoldError(
            f"{FOLDER} names {error}, which the templates in {ARCHIVE} do not have.",
            f"Bring {FOLDER} back from git: git log -- {FOLDER}",
        ) from error
    return Rendering(applied.manifest, render_contents(plan, catalogue.root, folder))


def _read_applied(repo: Repository, snapshot: Snapshot) -> Applied:
    start = len(repo.prefix)
    paths = [path for path in snapshot.ours if path.startswith(repo.prefix) and is_state(PurePosixPath(path[start:]))]
    contents = read_blobs(repo, (snapshot.ours[path].oid for path in paths))
    return read_applied({PurePosixPath(path[start:]): data for path, data in zip(paths, contents, strict=True)})
