"""The bindings of the verbs that change a repository: add, remove, rename, update, and `diff`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from dsscaffold.completion import (
    complete_choice,
    complete_language,
    complete_member,
    complete_new_pattern,
    complete_pattern,
)
from dsscaffold.examples import epilog

if TYPE_CHECKING:
    from dsscaffold.templating.change import Options
    from dsscaffold.templating.results import ChangeResult

DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing: show the files and conflicts that would come.")]
Commit = Annotated[bool, typer.Option("--commit", help="Commit the result if there are no conflicts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
#: A change that waits for its repository.
Run: TypeAlias = "Callable[[Path, Options], ChangeResult]"
Templates = Annotated[
    Path | None,
    typer.Option("--templates", metavar="FOLDER", help="Take this templates folder, of the same layout as ours."),
]


def add_verbs(app: typer.Typer) -> None:
    """Add the verbs of this module to `app`, in the order of the help."""
    for name, verb in _VERBS.items():
        app.command(name, epilog=epilog(name))(verb)


def _options(dry_run: DryRun = False, commit: Commit = False, yes: Yes = False, json: Json = False) -> None:
    """Hold the options that every change has."""


def _change(ask: Callable[..., Run], *, always_ask: bool = False) -> Callable[..., None]:
    """Make a verb of `ask`, which takes what is its own and returns the change: add the options that every change has.

    The verb runs it, shows the result, and leaves with 1 where something is left to resolve.
    """

    @functools.wraps(ask)
    def verb(*, dry_run: bool, commit: bool, yes: bool, json: bool, **own: object) -> None:
        from dsscaffold.render import Printer
        from dsscaffold.render.change import ChangePrinter
        from dsscaffold.templating.change import Options

        show = ChangePrinter(Printer(json=json))
        confirm = show.confirmation(yes=yes, always=always_ask)
        result = ask(**own)(_project(), Options(dry_run, commit, confirm, show.waiting))
        show.change(result)
        if not result.ok:
            raise typer.Exit(1)

    # Typer reads both; the annotations that the module has are strings.
    parameters = [
        parameter
        for function in (ask, _options)
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
    ]
    verb.__dict__["__signature__"] = inspect.Signature(parameters)
    verb.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return verb


@_change
def add_service(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The service's name.")],
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="LANG", help="Its language, e.g. python.", autocompletion=complete_language),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="Its role in the sample; without one it is blank.",
            autocompletion=complete_choice("roles"),
        ),
    ] = None,
) -> Run:
    """Add a service, with its database, route, events, tests and docs."""
    from dsscaffold.commands.add_service import run_add_service

    return lambda folder, options: run_add_service(folder, name, lang, role, options)


@functools.partial(_change, always_ask=True)
def remove_service(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The service's name.", autocompletion=complete_member)],
    force: Annotated[bool, typer.Option("--force", help="Also remove what your team wrote in it.")] = False,
) -> Run:
    """Remove a service, and everything around it."""
    from dsscaffold.commands.remove_service import run_remove_service

    return lambda folder, options: run_remove_service(folder, name, options, force=force)


@_change
def rename_service(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The service's name.", autocompletion=complete_member)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
) -> Run:
    """Rename a service; what your team wrote in it moves along."""
    from dsscaffold.commands.rename_service import run_rename_service

    return lambda folder, options: run_rename_service(folder, old, new, options)


@_change
def add_pattern(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The pattern's name.", autocompletion=complete_new_pattern)
    ],
) -> Run:
    """Add a pattern, in every part that it has something for."""
    from dsscaffold.commands.add_pattern import run_add_pattern

    return lambda folder, options: run_add_pattern(folder, name, options)


@_change
def remove_pattern(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pattern's name.", autocompletion=complete_pattern)],
) -> Run:
    """Remove a pattern; where your team changed its files, you decide."""
    from dsscaffold.commands.remove_pattern import run_remove_pattern

    return lambda folder, options: run_remove_pattern(folder, name, options)


@_change
def set_broker(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The broker's name.", autocompletion=complete_choice("brokers"))
    ],
) -> Run:
    """Put another broker under everything that sends and receives events."""
    from dsscaffold.commands.set_broker import run_set_broker

    return lambda folder, options: run_set_broker(folder, name, options)


@_change
def _update(templates: Path | None, fetch_base: bool) -> Run:
    """Bring the repository up to date."""
    from dsscaffold.commands.update import run_update

    return lambda folder, options: run_update(folder, templates, options, fetch_base=fetch_base)


def update(
    templates: Templates = None,
    fetch_base: Annotated[
        bool,
        typer.Option("--fetch-base", help="Download the release that rendered it, if its templates are nowhere here."),
    ] = False,
    dry_run: DryRun = False,
    commit: Commit = False,
    yes: Yes = False,
    json: Json = False,
    abort: Annotated[bool, typer.Option("--abort", help="Take the last change back, before it is committed.")] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Finish a change that was interrupted.")] = False,
) -> None:
    """Bring the repository to the installed templates and to dsscaffold.yaml; what your team wrote stays."""
    from dsscaffold.errors import UsageError

    if abort and go_on:
        raise UsageError("--abort and --continue exclude each other.", "Leave one of them out.")
    if abort or go_on:
        _end(abort=abort, json=json)
    else:
        _update(templates=templates, fetch_base=fetch_base, dry_run=dry_run, commit=commit, yes=yes, json=json)


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
    from dsscaffold.project.location import find_project

    return find_project(Path.cwd())


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
