"""The verbs that run a repository, as `cli` adds them. Heavy imports wait until a verb needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsscaffold.completion import complete_page, complete_service, complete_topic
from dsscaffold.examples import epilog

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsscaffold.runtime.results import UpResult

Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document on stdout and nothing else there.", rich_help_panel=None),
]


def _number(what: str, least: int, most: float) -> Callable[[str], int]:
    """Return what reads a number from an option, and calls it by `what` it is where it is none."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            raise typer.BadParameter(f"{text!r} is not {what}")
        return number

    return read


read_port = _number("a port, from 1 to 65535", 1, 65535)
_read_lines = _number("a number of lines", 0, float("inf"))

Port = Annotated[
    int | None,
    typer.Option("--port", metavar="PORT", parser=read_port, help="Publish the gateway on this port instead of 3000."),
]


def add_run_verbs(app: typer.Typer) -> None:
    """Add the verbs, in the order in which `--help` shows them."""
    for verb in (up, restart, down, status, logs, open_, replay, fetch):
        name = verb.__name__.rstrip("_")
        app.command(name, epilog=epilog(name))(verb)


Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="SERVICE...", help="Only these services.", autocompletion=complete_service),
]


def up(
    services: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SERVICE...",
            help="Only these and what they depend on; where others run already, bring these in.",
            autocompletion=complete_service,
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Run it on this machine, without containers: what `up` does in any case.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Leave it running in the background; `down` stops it.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Start a service again when its source is edited.")
    ] = False,
    port: Port = None,
    json: Json = False,
) -> None:
    """Start everything, in the order of its dependencies, and follow the logs until Ctrl-C.

    Where it runs already, bring it to what compose.yaml says, and leave alone what is as it says.
    """
    from dsscaffold.commands.up import run_up
    from dsscaffold.render import Printer, is_animated
    from dsscaffold.render.new import print_running
    from dsscaffold.render.up import UpPrinter
    from dsscaffold.runtime.repo import find_repo
    from dsscaffold.templating.applied import applied_manifest

    printer = Printer(json=json)
    repo = find_repo(Path.cwd())
    if not local:
        printer.note("it runs on this machine, without containers.")

    def ready(result: UpResult) -> None:
        printer.up(result)
        if result.ok and not services and not json and is_animated(printer.console):
            print_running(printer, result, applied_manifest(repo))

    with UpPrinter(printer.console, on_ready=ready) as on_event:
        result = run_up(
            repo,
            detach=detach,
            port=port,
            services=tuple(services or ()),
            watch=watch,
            on_event=on_event,
        )
    if not result.ok:
        raise typer.Exit(1)


def restart(
    services: Annotated[
        list[str],
        typer.Argument(metavar="SERVICE...", help="What to start again.", autocompletion=complete_service),
    ],
    json: Json = False,
) -> None:
    """Stop services and start them again, as compose.yaml describes them now; all others go on."""
    from dsscaffold.commands.restart import run_restart
    from dsscaffold.render import Printer
    from dsscaffold.render.up import UpPrinter
    from dsscaffold.runtime.repo import find_repo

    printer = Printer(json=json)
    with UpPrinter(printer.console) as on_event:
        result = run_restart(find_repo(Path.cwd()), tuple(services), on_event=on_event)
    printer.restart(result)
    if not result.ok:
        raise typer.Exit(1)


def down(
    services: Services = None,
    volumes: Annotated[
        bool, typer.Option("--volumes", "-v", help="Remove the data too: databases and topics.")
    ] = False,
    json: Json = False,
) -> None:
    """Stop everything, or single services while all others go on. The data stays for the next `up`."""
    from dsscaffold.commands.down import run_down, run_stop
    from dsscaffold.errors import UsageError
    from dsscaffold.render import Printer
    from dsscaffold.render.up import UpPrinter
    from dsscaffold.runtime.repo import find_repo

    if services and volumes:
        raise UsageError("--volumes removes the data of everything.", "Leave the names of services out.")
    printer = Printer(json=json)
    repo = find_repo(Path.cwd())
    if services:
        # Without a table: a service that stops is a matter of a moment.
        printer.stop(run_stop(repo, tuple(services), on_event=UpPrinter(printer.console)))
    else:
        printer.down(run_down(repo, volumes=volumes))


def status(json: Json = False) -> None:
    """Show what runs where; the exit code is 0 when all of it is healthy."""
    from dsscaffold.commands.status import run_status
    from dsscaffold.render import Printer
    from dsscaffold.render.look import print_status
    from dsscaffold.runtime.repo import find_repo

    result = run_status(find_repo(Path.cwd()))
    print_status(Printer(json=json), result)
    if not result.healthy:
        raise typer.Exit(1)


def logs(
    service: Annotated[
        str | None, typer.Argument(metavar="SERVICE", help="Only this service.", autocompletion=complete_service)
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as new lines come.")] = False,
    tail: Annotated[
        int,
        typer.Option("--tail", "-n", metavar="LINES", parser=_read_lines, help="So many last lines of each service."),
    ] = 100,
    json: Json = False,
) -> None:
    """Show what the services log."""
    from dsscaffold.commands.logs import read_logs, run_logs
    from dsscaffold.errors import UsageError
    from dsscaffold.render import Printer
    from dsscaffold.render.up import UpPrinter
    from dsscaffold.runtime.repo import find_repo

    if json:
        if follow:
            raise UsageError("--json is one document, and --follow never ends.", "Leave one of them out.")
        Printer(json=True).document(read_logs(find_repo(Path.cwd()), service, tail=tail))
        return
    show = UpPrinter(Printer().console)
    for line in run_logs(find_repo(Path.cwd()), service, follow=follow, tail=tail):
        show(line)


def replay(
    topic: Annotated[
        str,
        typer.Argument(
            metavar="TOPIC", help="Where the messages were, for example orders.", autocompletion=complete_topic
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Put nothing back: show what lies there, and why.")
    ] = False,
    json: Json = False,
) -> None:
    """Put messages that no retry could help back on their topic, each once, when the cause is mended."""
    from dsscaffold.commands.replay import run_replay
    from dsscaffold.render import Printer
    from dsscaffold.render.replay import show_replay
    from dsscaffold.runtime.repo import find_repo

    show_replay(Printer(json=json), run_replay(find_repo(Path.cwd()), topic, dry_run=dry_run))


def open_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="docs|metrics|SERVICE",
            help="The gateway's API docs or metrics, or the API docs of a service.",
            autocompletion=complete_page,
        ),
    ] = "docs",
    print_: Annotated[bool, typer.Option("--print", help="Print the address and open nothing.")] = False,
    json: Json = False,
) -> None:
    """Open the gateway's API docs, or another page of what runs, in a browser."""
    from dsscaffold.commands.open import run_open
    from dsscaffold.render import Printer
    from dsscaffold.runtime.repo import find_repo

    printer = Printer(json=json)
    result = run_open(find_repo(Path.cwd()), what, browser=not (print_ or json))
    if print_:
        printer.address(result)
    else:
        printer.open(result)


def fetch(json: Json = False) -> None:
    """Fetch all that `up` would fetch: the tools, and in a repository the packages of its services."""
    from dsscaffold.commands.fetch import run_fetch
    from dsscaffold.errors import UsageError
    from dsscaffold.render import Printer
    from dsscaffold.render.up import UpPrinter
    from dsscaffold.runtime.repo import find_repo

    printer = Printer(json=json)
    try:
        repo = find_repo(Path.cwd())
    except UsageError:
        repo = None
        printer.note("this is no repository that dsscaffold made: the tools alone are fetched.")
    with UpPrinter(printer.console) as on_event:
        result = run_fetch(repo, on_event=on_event)
    printer.fetch(result)
