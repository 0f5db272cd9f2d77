"""The one path of every verb that changes a repository: edit the manifest, render base and target, merge, apply.

Editing dsscaffold.yaml by hand and running `update` takes the same path.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from dsscaffold import __version__
from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.catalogue import Catalogue, find_templates, load_catalogue
from dsscaffold.project.manifest import MANIFEST_NAME, Manifest, parse_manifest
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.project.plan import make_plan
from dsscaffold.templating import git
from dsscaffold.templating.applied import FOLDER, Applied, is_state, read_applied, state_files
from dsscaffold.templating.applying import check_interrupted, in_the_way, write_change
from dsscaffold.templating.archive import digest_templates, pack_templates
from dsscaffold.templating.composing import Composed, compose, find_overlaps, make_journal
from dsscaffold.templating.lock import change_lock
from dsscaffold.templating.merging import Merged, merge_sides
from dsscaffold.templating.origin import check_not_newer, find_origin
from dsscaffold.templating.renderer import render
from dsscaffold.templating.repository import Repository, Snapshot, open_repository, read_blobs, take_snapshot
from dsscaffold.templating.results import ChangeResult, make_result
from dsscaffold.templating.scratch import Scratch, open_scratch
from dsscaffold.templating.sides import Rendering, make_sides, read_rendered

Edit = Callable[[ManifestText, "State"], ManifestText]


@dataclass(frozen=True)
class Request:
    """What is asked for: how the manifest changes, and whether the templates do.

    `update` takes the templates that are installed, or `templates`; else those that rendered the repository stay.
    """

    command: str
    title: str
    edit: Edit = lambda text, state: text
    update: bool = False
    templates: Path | None = None


@dataclass(frozen=True)
class Options:
    """How to go about it. `confirm` sees what would come, and raises to stop; `on_wait` says that another run is on."""

    dry_run: bool = False
    commit: bool = False
    confirm: Callable[[ChangeResult], None] = lambda result: None
    on_wait: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class State:
    """What a verb may look at: the repository as git has it, what was applied, and what can be rendered."""

    repo: Repository
    snapshot: Snapshot
    applied: Applied
    catalogue: Catalogue

    def files_below(self, folder: str) -> list[str]:
        """Return the files of the team below a folder of the project."""
        prefix = f"{self.repo.prefix}{folder}/"
        return sorted(path[len(self.repo.prefix) :] for path in self.snapshot.ours if path.startswith(prefix))


def run_change(folder: Path, request: Request, options: Options) -> ChangeResult:
    """Plan a change of the project in `folder` and, unless it is a dry run, make it.

    Raises:
        DsscaffoldError: it cannot be made; nothing is changed then.
    """
    started = time.perf_counter()
    repo = open_repository(folder)
    with nullcontext() if options.dry_run else change_lock(repo, options.on_wait):
        if not options.dry_run:
            check_interrupted(repo)
        with _plan(repo, request) as plan:
            result = plan.result
            if not options.dry_run and plan.composed.changes:
                result = _make(plan, request, options)
    return replace(result, dry_run=options.dry_run, seconds=time.perf_counter() - started)


@dataclass(frozen=True)
class _Plan:
    """A change that is worked out and waits to be written."""

    scratch: Scratch
    snapshot: Snapshot
    composed: Composed
    result: ChangeResult


def _make(plan: _Plan, request: Request, options: Options) -> ChangeResult:
    repo, result = plan.scratch.repo, plan.result
    if result.in_the_way:
        raise in_the_way(list(result.in_the_way))
    if options.commit and plan.snapshot.staged:
        raise DsscaffoldError("--commit would commit what is staged here too.", "Commit or unstage that first.")
    options.confirm(result)
    if git.git(repo.root, "rev-parse", "HEAD") != repo.head:
        raise DsscaffoldError("The branch has moved meanwhile. Nothing was changed.", "Run the command again.")
    journal = make_journal(plan.scratch, plan.snapshot, plan.composed, request.title)
    write_change(repo, journal)
    if not options.commit or result.conflicts:
        return result
    git.commit(repo.root, request.title)
    return replace(result, committed=True)


@contextmanager
def _plan(repo: Repository, request: Request) -> Iterator[_Plan]:
    """Work out a change; nothing in the repository is written."""
    snapshot = take_snapshot(repo)
    applied = read_state(repo, snapshot)
    check_not_newer(applied)
    with tempfile.TemporaryDirectory(prefix="dsscaffold-") as name, open_scratch(repo) as scratch:
        work = Path(name)
        asked = find_templates(request.templates) if request.update else None
        origin = find_origin(applied, work / "origin", also=asked)
        state = State(repo, snapshot, applied, load_catalogue(asked or origin))
        was = _read_manifest(repo)
        text = request.edit(was, state)
        manifest = parse_manifest(text.path, text.text, state.catalogue)
        target = _target(applied, manifest, asked, origin, whole=origin == work / "origin")
        merged = _merge(scratch, state, target, origin, work)
        composed = compose(scratch, snapshot, merged, state_files(target), (was.text, text.text))
        overlaps = find_overlaps(scratch, snapshot, composed)
        result = make_result(request.command, request.title, applied, target, composed, overlaps, staged=snapshot.staged)
        yield _Plan(scratch, snapshot, composed, result)


def read_state(repo: Repository, snapshot: Snapshot) -> Applied:
    """Read the applied state as git has it."""
    start = len(repo.prefix)
    paths = [path for path in snapshot.ours if path.startswith(repo.prefix) and is_state(PurePosixPath(path[start:]))]
    contents = read_blobs(repo, (snapshot.ours[path].oid for path in paths))
    return read_applied({PurePosixPath(path[start:]): data for path, data in zip(paths, contents, strict=True)})


def _read_manifest(repo: Repository) -> ManifestText:
    path = repo.project / MANIFEST_NAME
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        hint = f"Bring it back: git checkout HEAD -- {MANIFEST_NAME}"
        raise DsscaffoldError(f"{path} is missing.", hint) from error
    except UnicodeDecodeError as error:
        raise DsscaffoldError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    return ManifestText(path, text)


def _target(applied: Applied, manifest: Manifest, asked: Path | None, origin: Path, *, whole: bool) -> Applied:
    """Return the state that the repository is going to be in; without `asked` its templates stay as they are."""
    version = __version__ if asked else applied.version
    digest = digest_templates(asked) if asked else applied.digest
    if whole and digest == applied.digest:
        return Applied(manifest, version, digest, applied.archive)
    return Applied(manifest, version, digest, pack_templates(asked or origin)[0])


def _merge(scratch: Scratch, state: State, target: Applied, origin: Path, work: Path) -> Merged:
    """Render both sides and merge them with the team's; where they cannot differ there is nothing to do."""
    applied = state.applied
    if (target.manifest, target.version, target.digest) == (applied.manifest, applied.version, applied.digest):
        return Merged(dict(state.snapshot.ours))
    base = _render(applied, load_catalogue(origin), work / "base")
    theirs = _render(target, state.catalogue, work / "theirs")
    sides = make_sides(scratch, state.snapshot.ours, base, theirs)
    return merge_sides(scratch, sides, target.version)


def _render(applied: Applied, catalogue: Catalogue, folder: Path) -> Rendering:
    folder.mkdir()
    try:
        plan = make_plan(applied.manifest, catalogue, applied.version)
    except KeyError as error:
        raise DsscaffoldError(
            f"The templates that rendered this repository do not have {error}.", f"See {FOLDER}/ in git's history."
        ) from error
    return Rendering(applied.manifest, read_rendered(folder, render(plan, catalogue.root, folder)))
