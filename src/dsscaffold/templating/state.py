"""A project at rest: what git has of it, what it was rendered from, and how that is rendered again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.catalogue import Catalogue, find_templates, load_catalogue
from dsscaffold.project.manifest import MANIFEST_NAME
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.project.plan import Plan, make_plan
from dsscaffold.templating.applied import ARCHIVE, FOLDER, Applied, is_state, read_applied
from dsscaffold.templating.archive import Templates, read_templates
from dsscaffold.templating.origin import Origin, check_not_newer, find_origin
from dsscaffold.templating.renderer import render_contents
from dsscaffold.templating.repository import Repository, Snapshot, read_blobs, take_snapshot
from dsscaffold.templating.scratch import Scratch, open_scratch
from dsscaffold.templating.sides import Rendering


@dataclass(frozen=True)
class State:
    """What a verb may look at: the repository, what was applied, what rendered it, and what can be rendered now.

    `templates` are those that the target is rendered from; `origin` rendered what is there.
    """

    repo: Repository
    snapshot: Snapshot
    applied: Applied
    origin: Origin
    templates: Templates
    catalogue: Catalogue

    @property
    def origin_catalogue(self) -> Catalogue:
        """Return the catalogue of the templates that rendered the repository."""
        same = self.origin.templates.root == self.templates.root
        return self.catalogue if same else load_catalogue(self.origin.templates.root)

    def files_below(self, folder: str) -> list[str]:
        """Return the files of the team below a folder of the project."""
        prefix = f"{self.repo.prefix}{folder}/"
        return sorted(path[len(self.repo.prefix) :] for path in self.snapshot.ours if path.startswith(prefix))


@contextmanager
def open_state(
    repo: Repository, *, update: bool, templates: Path | None = None, fetch: bool = False
) -> Iterator[tuple[Scratch, State]]:
    """Read the state of a project, and make room to work with it.

    With `update` the target are the installed templates, or `templates`. With `fetch` those that rendered it are
    downloaded if they are nowhere on this machine.

    Raises:
        DsscaffoldError: it is none, a newer dsscaffold wrote it, or nobody has the templates that rendered it.
    """
    with open_scratch(repo) as scratch:
        snapshot = take_snapshot(repo)
        applied = _read_applied(repo, snapshot)
        check_not_newer(applied)
        asked = read_templates(find_templates(templates)) if update else None
        origin = find_origin(applied, scratch.folder / "origin", asked, fetch=fetch)
        target = asked or origin.templates
        yield scratch, State(repo, snapshot, applied, origin, target, load_catalogue(target.root))


def read_manifest(repo: Repository) -> ManifestText:
    """Read dsscaffold.yaml as it lies in the work tree: people edit it.

    Raises:
        DsscaffoldError: it is missing, a link, or no text.
    """
    path = repo.project / MANIFEST_NAME
    if path.is_symlink():
        hint = f"Put the file itself in its place: cp --remove-destination {path.readlink()} {MANIFEST_NAME}"
        raise DsscaffoldError(f"{path} is a link, and git would keep the link only.", hint)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        hint = f"Bring it back: git checkout HEAD -- {MANIFEST_NAME}"
        raise DsscaffoldError(f"{path} is missing.", hint) from error
    except UnicodeDecodeError as error:
        raise DsscaffoldError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    return ManifestText(path, text)


def render_states(wanted: Sequence[tuple[Applied, Catalogue]]) -> list[Rendering]:
    """Render what each of `wanted` says with the templates beside it.

    Raises:
        DsscaffoldError: the templates do not have what it names.
    """
    plans = [(_plan(applied, catalogue), catalogue.root) for applied, catalogue in wanted]
    contents = render_contents(plans)
    return [Rendering(applied.manifest, files) for (applied, _), files in zip(wanted, contents, strict=True)]


def _plan(applied: Applied, catalogue: Catalogue) -> Plan:
    try:
        return make_plan(applied.manifest, catalogue, applied.version)
    except KeyError as error:
        raise DsscaffoldError(
            f"{FOLDER} names {error}, which the templates in {ARCHIVE} do not have.",
            f"Bring {FOLDER} back from git: git log -- {FOLDER}",
        ) from error


def _read_applied(repo: Repository, snapshot: Snapshot) -> Applied:
    start = len(repo.prefix)
    paths = [path for path in snapshot.ours if path.startswith(repo.prefix) and is_state(PurePosixPath(path[start:]))]
    contents = read_blobs(repo, (snapshot.ours[path].oid for path in paths))
    return read_applied({PurePosixPath(path[start:]): data for path, data in zip(paths, contents, strict=True)})
