"""The bindings of the verbs that change a repository: add, remove, rename, update, and `diff`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dsscaffold.templating.change import Options
    from dsscaffold.templating.results import ChangeResult

DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing: show the files and conflicts that would come.")]
Commit = Annotated[bool, typer.Option("--commit", help="Commit the result if there are no conflicts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
Templates = Annotated[
    Path | None, typer.Option("--templates", help="Take this templates folder, of the same layout as ours.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add the verbs of this module to `app`, in the order of the help."""
    for name, verb in _VERBS.items():
        app.command(name)(verb)


def add_service(
    name: Annotated[str, typer.Argument(help="The service's name.")],
    lang: Annotated[str | None, typer.Option("--lang", help="Its language, e.g. python.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="Its role in the sample; without one it is blank.")] = None,
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Add a service, with its database, route, events, tests and docs."""
    from dsscaffold.commands.add_service import run_add_service

    _change(
        lambda folder, options: run_add_service(folder, name, lang, role, options), dry_run, commit, yes=yes, json=json
    )


def remove_service(
    name: Annotated[str, typer.Argument(help="The service's name.")],
    force: Annotated[bool, typer.Option("--force", help="Also remove what your team wrote in it.")] = False,
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove a service, and everything around it."""
    from dsscaffold.commands.remove_service import run_remove_service

    _change(
        lambda folder, options: run_remove_service(folder, name, options, force=force),
        dry_run,
        commit,
        yes=yes,
        json=json,
        always_ask=True,
    )


def rename_service(
    old: Annotated[str, typer.Argument(help="The service's name.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Rename a service; what your team wrote in it moves along."""
    from dsscaffold.commands.rename_service import run_rename_service

    _change(lambda folder, options: run_rename_service(folder, old, new, options), dry_run, commit, yes=yes, json=json)


def add_pattern(
    name: Annotated[str, typer.Argument(help="The pattern's name.")],
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Add a pattern, in every part that it has something for."""
    from dsscaffold.commands.add_pattern import run_add_pattern

    _change(lambda folder, options: run_add_pattern(folder, name, options), dry_run, commit, yes=yes, json=json)


def remove_pattern(
    name: Annotated[str, typer.Argument(help="The pattern's name.")],
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove a pattern; where your team changed its files, you decide."""
    from dsscaffold.commands.remove_pattern import run_remove_pattern

    _change(lambda folder, options: run_remove_pattern(folder, name, options), dry_run, commit, yes=yes, json=json)


def set_broker(
    name: Annotated[str, typer.Argument(help="The broker's name.")],
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Put another broker under everything that sends and receives events."""
    from dsscaffold.commands.set_broker import run_set_broker

    _change(lambda folder, options: run_set_broker(folder, name, options), dry_run, commit, yes=yes, json=json)


def update(
    templates: Templates = None,
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
    abort: Annotated[bool, typer.Option("--abort", help="Take the last change back, before it is committed.")] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Finish a change that was interrupted.")] = False,
) -> None:
    """Bring the repository to the installed templates and to dsscaffold.yaml; what your team wrote stays."""
    from dsscaffold.commands.update import run_update
    from dsscaffold.errors import UsageError

    if abort and go_on:
        raise UsageError("--abort and --continue exclude each other.", "Leave one of them out.")
    if abort or go_on:
        _end(abort=abort, json=json)
    else:
        _change(lambda folder, options: run_update(folder, templates, options), dry_run, commit, yes=yes, json=json)


def diff(
    templates: Templates = None,
    patch: Annotated[bool, typer.Option("--patch", "-p", help="Show the lines too.")] = False,
    json: Json = False,
) -> None:
    """Show what the templates changed since they rendered this repository, and what your team changed."""
    from dsscaffold.commands.diff import run_diff
    from dsscaffold.render import Printer
    from dsscaffold.render.change import ChangePrinter

    result = run_diff(_project(), templates)
    ChangePrinter(Printer(json=json)).diff(result, patch=patch)


def _change(
    run: Callable[[Path, Options], ChangeResult],
    dry_run: bool,
    commit: bool,
    *,
    yes: bool,
    json: bool,
    always_ask: bool = False,
) -> None:
    """Run a verb, show its result, and leave with 1 where something is left to resolve."""
    from dsscaffold.render import Printer
    from dsscaffold.render.change import ChangePrinter
    from dsscaffold.templating.change import Options

    show = ChangePrinter(Printer(json=json))
    confirm = show.confirmation(yes=yes, always=always_ask)
    result = run(_project(), Options(dry_run, commit, confirm, show.waiting))
    show.change(result)
    if not result.ok:
        raise typer.Exit(1)


def _end(*, abort: bool, json: bool) -> None:
    from dsscaffold.commands.update import run_abort, run_continue
    from dsscaffold.render import Printer
    from dsscaffold.render.change import ChangePrinter
    from dsscaffold.templating.change import Options

    show = ChangePrinter(Printer(json=json))
    result = (run_abort if abort else run_continue)(_project(), Options(on_wait=show.waiting))
    show.end(result)
    if result.conflicts:
        raise typer.Exit(1)


def _project() -> Path:
    """Return the project that the current folder lies in: the nearest one above with a manifest."""
    from dsscaffold.errors import UsageError
    from dsscaffold.project.manifest import MANIFEST_NAME

    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MANIFEST_NAME).is_file() or (folder / ".dsscaffold" / "applied.yaml").is_file():
            return folder
    raise UsageError(
        f"There is no {MANIFEST_NAME} here or above.",
        "Go into a generated repository, or make one: dsscaffold new NAME",
    )


_VERBS: dict[str, Callable[..., None]] = {
    "add-service": add_service,
    "remove-service": remove_service,
    "rename-service": rename_service,
    "add-pattern": add_pattern,
    "remove-pattern": remove_pattern,
    "set-broker": set_broker,
    "update": update,
    "diff": diff,
}
