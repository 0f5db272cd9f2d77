"""The one path of every verb that changes a repository: edit the manifest, render base and target, merge, apply.

Editing dsscaffold.yaml by hand and running `update` takes the same path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from dsscaffold import __version__
from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.manifest import Manifest, parse_manifest
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.project.plan import SERVICES
from dsscaffold.templating import git
from dsscaffold.templating.applied import Applied, state_files
from dsscaffold.templating.applying import check_interrupted, in_the_way, write_change
from dsscaffold.templating.archive import pack_templates
from dsscaffold.templating.composing import Composed, compose, find_overlaps, make_journal
from dsscaffold.templating.lock import change_lock
from dsscaffold.templating.manifests import settle_manifests
from dsscaffold.templating.merging import Merged, merge_sides
from dsscaffold.templating.relock import relock
from dsscaffold.templating.repository import Repository, open_repository, take_snapshot
from dsscaffold.templating.results import ChangeResult, make_result
from dsscaffold.templating.scratch import Scratch
from dsscaffold.templating.sides import Sides, drop_part, make_sides
from dsscaffold.templating.state import State, open_state, read_manifest, render_states
from dsscaffold.templating.unions import settle_unions

Edit = Callable[[ManifestText, State], ManifestText]


def _as_it_is(text: ManifestText, _: State) -> ManifestText:
    return text


def _agree(_: ChangeResult) -> None:
    """Let every change pass."""


def _go_on() -> None:
    """Wait in silence."""


@dataclass(frozen=True)
class Request:
    """What is asked for: how the manifest changes, and whether the templates do.

    `update` takes the templates that are installed, or `templates`; else those that rendered the repository stay.
    With `fetch` the templates that rendered the repository are downloaded if they are nowhere on this machine.
    The service `drop` is removed on purpose: with `force` even if the team wrote something in it.
    """

    command: str
    title: str
    edit: Edit = _as_it_is
    update: bool = False
    templates: Path | None = None
    fetch: bool = False
    drop: str | None = None
    force: bool = False


@dataclass(frozen=True)
class Options:
    """How to go about it. `confirm` sees what would come, and raises to stop; `on_wait` says that another run is on."""

    dry_run: bool = False
    commit: bool = False
    confirm: Callable[[ChangeResult], None] = _agree
    on_wait: Callable[[], None] = _go_on


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
        with _plan(repo, request, dry_run=options.dry_run) as plan:
            result = plan.result
            if not options.dry_run and plan.composed.changes:
                result = _make(plan, request, options)
    return replace(result, dry_run=options.dry_run, seconds=time.perf_counter() - started)


@dataclass(frozen=True)
class _Plan:
    """A change that is worked out and waits to be written."""

    scratch: Scratch
    state: State
    composed: Composed
    manifest: ManifestText
    result: ChangeResult


def _make(plan: _Plan, request: Request, options: Options) -> ChangeResult:
    repo, result, snapshot = plan.scratch.repo, plan.result, plan.state.snapshot
    if result.in_the_way:
        raise in_the_way(list(result.in_the_way), snapshot.overlooked)
    if options.commit and snapshot.staged:
        raise DsscaffoldError("--commit would commit what is staged here too.", "Commit or unstage that first.")
    options.confirm(result)
    _check_unmoved(plan)
    write_change(repo, make_journal(plan.scratch, snapshot, plan.composed, request.title))
    if not options.commit or result.conflicts:
        return result
    git.commit(repo.root, request.title)
    return replace(result, committed=True)


def _check_unmoved(plan: _Plan) -> None:
    """Refuse to write what was worked out from something that has changed: a person may have thought for long."""
    repo = plan.scratch.repo
    moved = None
    if git.git(repo.root, "rev-parse", "HEAD") != repo.head:
        moved = "The branch has moved"
    elif take_snapshot(repo) != plan.state.snapshot:
        moved = "What is staged has changed"
    elif read_manifest(repo) != plan.manifest:
        moved = f"{plan.manifest.path.name} has been edited"
    if moved:
        raise DsscaffoldError(f"{moved} meanwhile. Nothing was changed.", "Run the command again.")
    if found := find_overlaps(plan.scratch, plan.state.snapshot, plan.composed):
        raise in_the_way(list(found), plan.state.snapshot.overlooked)


@contextmanager
def _plan(repo: Repository, request: Request, *, dry_run: bool) -> Iterator[_Plan]:
    """Work out a change; nothing in the repository is written."""
    with open_state(repo, update=request.update, templates=request.templates, fetch=request.fetch) as (scratch, state):
        was = read_manifest(repo)
        text = request.edit(was, state)
        manifest = parse_manifest(text.path, text.text, state.catalogue)
        # Compressing needs no interpreter, so it goes on beside all the rest.
        with ThreadPoolExecutor(max_workers=1) as packer:
            target, packed = _target(state, manifest, packer, update=request.update)
            merged = _merge(scratch, state, target, request, dry_run=dry_run)
            target = replace(target, archive=packed.result()) if packed else target
        composed = compose(scratch, state.snapshot, merged, state_files(target), (was.text, text.text))
        overlaps = find_overlaps(scratch, state.snapshot, composed)
        result = make_result(request, state, target, composed, overlaps)
        yield _Plan(scratch, state, composed, was, result)


def _target(
    state: State, manifest: Manifest, packer: Executor, *, update: bool
) -> tuple[Applied, Future[bytes] | None]:
    """Return the state that the repository is going to be in, and the archive that is being made for it, if one is."""
    applied = state.applied
    version = __version__ if update else applied.version
    templates = state.templates
    if state.origin.archived and templates.digest == applied.digest:
        return Applied(manifest, version, applied.digest, applied.archive), None
    return Applied(manifest, version, templates.digest, None), packer.submit(pack_templates, templates)


def _merge(scratch: Scratch, state: State, target: Applied, request: Request, *, dry_run: bool) -> Merged:
    """Render both sides and merge them with the team's; where they cannot differ there is nothing to do."""
    applied = state.applied
    if (target.manifest, target.version, target.digest) == (applied.manifest, applied.version, applied.digest):
        return Merged(dict(state.snapshot.ours))
    base, theirs = render_states([(applied, state.origin_catalogue), (target, state.catalogue)])
    sides = make_sides(scratch, state.snapshot.ours, base, theirs)
    if request.drop:
        sides = _drop(sides, request.drop, force=request.force)
    merged = settle_unions(scratch, sides, merge_sides(scratch, sides, target.version))
    return relock(scratch, sides, settle_manifests(scratch, sides, merged), dry_run=dry_run)


def _drop(sides: Sides, service: str, *, force: bool) -> Sides:
    """Let a service go; what the team wrote in it goes only by force."""
    sides, written = drop_part(sides, f"{SERVICES}-{service}")
    if written and not force:
        shown = ", ".join(written[:5]) + (f" and {len(written) - 5} more" if len(written) > 5 else "")
        raise DsscaffoldError(
            f"Your team wrote something in {service}: {shown}.",
            "Add --force to remove it all the same; git's history keeps it.",
        )
    return sides
