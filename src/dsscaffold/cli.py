"""The command line: parse, call a verb, hand its result to the printer. Heavy imports wait until a verb needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dsscaffold import __version__
from dsscaffold.cli_life import Templates, add_verbs
from dsscaffold.cli_run import Json, Port, add_run_verbs, read_port
from dsscaffold.completion import complete_choice
from dsscaffold.examples import FRAMED, WIDTH, epilog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from dsscaffold.commands.new import NewResult
    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.render import Printer

app = typer.Typer(
    name="dsscaffold",
    help="Scaffold a distributed system that runs at once: a Node.js gateway, Python services, Kafka and Postgres.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if FRAMED else None,
    context_settings={} if FRAMED else {"terminal_width": max(WIDTH, 20)},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"dsscaffold {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    """Hold the options that come before a verb."""


@app.command(epilog=epilog("new"))
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project's name, and of the folder that is made.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the defaults.")] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="NAME",
            help="The named set of services, broker and patterns to begin with.",
            autocompletion=complete_choice("presets"),
        ),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(
            "--service",
            metavar="NAME:LANG[:ROLE]",
            help="A service, in place of the preset's; none: no service. Repeatable.",
        ),
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(
            "--broker",
            metavar="NAME",
            help="What carries the events.",
            autocompletion=complete_choice("brokers"),
        ),
    ] = None,
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern",
            metavar="NAME",
            help="A pattern, in place of the preset's; none: no pattern. Repeatable.",
            autocompletion=complete_choice("patterns"),
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers", metavar="FILE", help="Take all answers from this file, of the form of dsscaffold.yaml."
        ),
    ] = None,
    license_: Annotated[
        str | None,
        typer.Option(
            "--license",
            metavar="SPDX-ID|none",
            help="Write a LICENSE with this text; none: no file.",
            autocompletion=complete_choice("licenses"),
        ),
    ] = None,
    copyright_: Annotated[
        str | None,
        typer.Option("--copyright", metavar="TEXT", help="Years and holders for it, e.g. '2026 The demo team'."),
    ] = None,
    up: Annotated[bool, typer.Option("--up", help="Start it in the background, and send an order through it.")] = False,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-o", metavar="FOLDER", help="Make the folder in here.")
    ] = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing: show the files that would come.")] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Do not make it a git repository.")] = False,
    port: Port = None,
    templates: Templates = None,
    json: Json = False,
) -> None:
    """Render a new repository, ready to run, and commit it."""
    from dsscaffold.commands.new import check_destination, enclosing_repository, run_new
    from dsscaffold.errors import UsageError
    from dsscaffold.project.catalogue import find_templates, load_catalogue
    from dsscaffold.project.choices import Choices, make_manifest
    from dsscaffold.project.names import check_project_argument
    from dsscaffold.render import Printer
    from dsscaffold.render.new import confirm_new, print_new

    if up and dry_run:
        raise UsageError("--up and --dry-run exclude each other.", "Leave one of them out.")
    check_project_argument(name)
    destination = output_dir / name
    check_destination(destination)
    printer = Printer(json=json)
    catalogue = load_catalogue(find_templates(templates))
    choices = Choices(preset, tuple(service or ()), broker, tuple(pattern or ()), answers, license_, copyright_)
    outer = None if no_git or dry_run else enclosing_repository(destination.absolute().parent)
    if yes or dry_run:
        manifest = make_manifest(name, choices, catalogue)
        if outer:
            printer.note(f"{destination} lies inside the git repository {outer}, and becomes a repository of its own.")
    else:
        printer.check_terminal([*choices.unanswered(catalogue), *(["--port"] if port is None else [])])
        from dsscaffold.commands.doctor import missing_tools
        from dsscaffold.wizard import USUAL_PORT, ask_manifest, ask_port

        with printer.leaving("Nothing was made."):
            manifest = ask_manifest(name, choices, catalogue)
            port = ask_port() if port is None else port
            confirm_new(printer, manifest, destination, outer, port or USUAL_PORT, missing_tools())
    with printer.step(f"Rendering {name}"):
        result = run_new(manifest, catalogue, destination, port=port, use_git=not no_git, dry_run=dry_run)
    print_new(printer, result, starting=up, shown=not (yes or dry_run))
    if up:
        _start_and_prove(printer, result, port)


@app.command("list", epilog=epilog("list"))
def list_(templates: Templates = None, json: Json = False) -> None:
    """Show what there is to choose from: presets, patterns, brokers, roles, licenses."""
    from dsscaffold.commands.catalogue import run_list
    from dsscaffold.project.catalogue import find_templates, load_catalogue
    from dsscaffold.render import Printer
    from dsscaffold.render.look import print_catalogue

    print_catalogue(Printer(json=json), run_list(load_catalogue(find_templates(templates))))


@app.command(epilog=epilog("doctor"))
def doctor(
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="PORT", parser=read_port, help="Look at this port instead of the gateway's."),
    ] = None,
    json: Json = False,
) -> None:
    """Say what this machine has, what would be fetched, and what stands in the way; exit code 1 if anything does."""
    from dsscaffold.commands.doctor import run_doctor
    from dsscaffold.errors import UsageError
    from dsscaffold.render import Printer
    from dsscaffold.render.look import print_doctor
    from dsscaffold.runtime.repo import find_repo

    try:
        repo = find_repo(Path.cwd())
    except UsageError:
        repo = None
    result = run_doctor(repo, port)
    print_doctor(Printer(json=json), result)
    if not result.ok:
        raise typer.Exit(1)


def _start_and_prove(printer: Printer, made: NewResult, port: int | None) -> None:
    """Start what `new` made in the background, and send an order through it if it takes orders."""
    from functools import partial

    from dsscaffold.commands.first_order import place_order
    from dsscaffold.commands.up import run_up
    from dsscaffold.render.new import print_order_placed, print_order_status, print_started
    from dsscaffold.render.up import UpPrinter

    with UpPrinter(printer.console) as on_event:
        started = run_up(made.path.absolute(), detach=True, port=port, on_event=on_event)
    if not started.ok:
        raise typer.Exit(1)
    order = None
    if "orders" in made.manifest.patterns:
        print_order_placed(printer, started)
        order = place_order(started.url("gateway") or "", partial(print_order_status, printer))
    print_started(printer, made, started, order)


add_run_verbs(app)
add_verbs(app)
if not FRAMED:
    # Left to itself, click cuts a summary at the width that is left beside the verb.
    for command in app.registered_commands:
        command.short_help = (command.callback.__doc__ or "").partition("\n")[0] if command.callback else None


def main() -> None:
    """Run the command line; every failure becomes one message, a hint and an exit code."""
    import os
    import sys

    from dsscaffold.errors import DsscaffoldError

    _settle_width(os.environ)
    try:
        code = app(standalone_mode=False) or 0
    except DsscaffoldError as error:
        code = _report(error)
    except KeyboardInterrupt:
        code = _report(DsscaffoldError("Stopped.", exit_code=130))
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is left to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        if not (error.filename or _has_current_folder()):
            hint = "Go into one that is: cd"
            sys.exit(_report(DsscaffoldError("The current folder is not there any more.", hint)))
        where = f"{error.filename}: " if error.filename else ""
        hint = "Check that the path is there, and that you may read and write it."
        code = _report(DsscaffoldError(f"{where}{error.strerror or error}.", hint))
    except Exception as error:
        if hasattr(error, "format_message"):
            sys.exit(_report_refused(error))
        if os.environ.get("DSSCAFFOLD_DEBUG"):
            raise
        hint = "This is a defect of dsscaffold. Set DSSCAFFOLD_DEBUG=1 for the traceback, and please report it."
        code = _report(DsscaffoldError(f"{type(error).__name__}: {error}", hint))
    sys.exit(code)


def _settle_width(environ: MutableMapping[str, str]) -> None:
    """Keep Typer from what it does badly with the width of a terminal."""
    if "_DSSCAFFOLD_COMPLETE" in environ:
        # It fills descriptions to the width, and fish takes every line for a name.
        environ["COLUMNS"] = "10000"
    if not environ.get("TERMINAL_WIDTH", "0").isdecimal():
        # It ends with a traceback over it.
        del environ["TERMINAL_WIDTH"]


def _has_current_folder() -> bool:
    try:
        return Path.cwd().is_dir()
    except OSError:
        return False


def _report_refused(error: Any) -> int:
    """Say what the parser has against the arguments, in the form of all our errors.

    Its errors are known by what they can do, not by their class: some versions of Typer bring a click of their own.
    """
    from dsscaffold.errors import UsageError

    text = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":  # It is the help, shown already where it has frames.
        typer.echo(text, err=True, nl=bool(text))
        return int(error.exit_code)
    end = "" if text[-1] in ".?)" else "."
    verb = error.ctx.command_path if getattr(error, "ctx", None) else app.info.name
    return _report(UsageError(text + end, f"What it takes: {verb} --help"))


def _report(error: DsscaffoldError) -> int:
    from dsscaffold.render import print_error

    print_error(error)
    return error.exit_code
