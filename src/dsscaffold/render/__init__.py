"""The only printer: turns results into text for people or into one JSON document."""

from __future__ import annotations

import json as jsonlib
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from dsscaffold.commands.catalogue import ListResult
    from dsscaffold.commands.doctor import DoctorResult
    from dsscaffold.commands.first_order import FirstOrder
    from dsscaffold.commands.new import NewResult
    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.project.manifest import Manifest
    from dsscaffold.runtime.results import ChangeResult, DownResult, FetchResult, StatusResult, UpResult

_NARROWEST = 20


class Result(Protocol):
    """What a verb returns when it can be printed as JSON."""

    def to_json(self) -> object:
        """Return the document as plain data."""


def make_console(*, stderr: bool) -> Console:
    """Return a console; one that claims to have no width (COLUMNS=0) would swallow every text."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if console.width < _NARROWEST:
        console.width = _NARROWEST
    return console


def print_error(error: DsscaffoldError) -> None:
    """Print a message and its hint on stderr."""
    console = make_console(stderr=True)
    console.print(Text.assemble(("Error: ", "bold red"), error.message))
    if error.hint:
        console.print(Text.assemble(("Hint:  ", "bold"), error.hint))


class Printer:
    """Print for people on stdout; with `json` keep stdout for the document and print for people on stderr."""

    def __init__(self, *, json: bool = False) -> None:
        self._json = json
        self.console = make_console(stderr=json)

    def document(self, result: Result) -> bool:
        """Print `result` as JSON if that was asked for; return whether it was."""
        if self._json:
            sys.stdout.write(jsonlib.dumps(result.to_json(), indent=2) + "\n")
        return self._json

    def note(self, text: str) -> None:
        """Print one line that a person should know."""
        self.console.print(Text.assemble(("Note: ", "bold yellow"), text))

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Show that `label` is going on, and when it is done the seconds that it took."""
        started = time.perf_counter()
        with self.console.status(label):
            yield
        self.done(label, time.perf_counter() - started)

    def done(self, label: str, seconds: float, detail: str = "") -> None:
        """Print one finished step."""
        line = Text.assemble(("✓ ", "green"), label, (f"  {seconds:.1f} s", "dim"))
        if detail:
            line.append(f"  {detail}", "dim")
        self.console.print(line)

    def check_terminal(self) -> None:
        """Refuse to ask where nobody can answer.

        Raises:
            UsageError: standard input or output is no terminal.
        """
        from dsscaffold.errors import UsageError

        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError("Nobody is there to be asked.", "Add --yes to take the defaults for what no option says.")

    def confirm_new(self, manifest: Manifest, destination: Path, outer: Path | None) -> None:
        """Show what `new` is going to make and ask once.

        Raises:
            KeyboardInterrupt: the answer is no.
        """
        import questionary

        self.console.print(_plan_tree(manifest, destination))
        if outer:
            self.note(
                f"it lies inside the git repository {outer}; it becomes a repository of its own (--no-git: none)."
            )
        if not questionary.confirm("Make it?").unsafe_ask():
            raise KeyboardInterrupt

    def new(self, result: NewResult, *, starting: bool) -> None:
        """Show what `new` made."""
        if not starting and self.document(result):
            return
        self.console.print(_plan_tree(result.manifest, result.path))
        if result.dry_run:
            for path in result.files:
                self.console.print(str(path), markup=False)
            self.console.print(f"{len(result.files)} files would be written. Nothing was.")
            return
        git = ", committed to git" if result.committed else ""
        self.console.print(f"{len(result.files)} files in {result.path}{git}.")
        if not starting:
            self.next_steps([(f"cd {result.path}", ""), ("dsscaffold up", "start everything")])

    def up(self, result: UpResult) -> None:
        """Show what a start reached."""
        if not self.document(result) and result.ok:
            where = "in the background" if result.detached else "in this terminal; Ctrl-C stops it"
            self.console.print(f"Everything is healthy after {result.timings.total:.1f} s, {where}.")
        elif not self._json and not result.interrupted:
            self._up_in_part(result)

    def _up_in_part(self, result: UpResult) -> None:
        names = [failure.service for failure in result.failures]
        well = sum(service.state == "healthy" for service in result.status.services)
        self.console.print(f"{len(names)} failed ({', '.join(names)}); the other {well} are healthy and stay up.")
        self.next_steps(
            [(f"dsscaffold restart {' '.join(names)}", "when it is mended"), ("dsscaffold down", "stop all")]
        )

    def placing_order(self, started: UpResult) -> None:
        """Say that everything is up, and that the first order is on its way."""
        self.console.print(f"Everything is healthy after {started.timings.total:.1f} s.")
        self.console.print(f"\nPOST {started.url('gateway')}/api/orders")

    def order_status(self, status: str) -> None:
        """Show a status that the first order came into."""
        colour = {"completed": "green", "failed": "red"}.get(status, "yellow")
        self.console.print(Text.assemble(("  → ", "dim"), (status, colour)))

    def started(self, made: NewResult, started: UpResult, order: FirstOrder | None) -> None:
        """Show the end of `new --up`: addresses, calls to try, commands to go on with."""
        if self._json:
            document = {**made.to_json(), "up": started.to_json(), "order": order.to_json() if order else None}
            sys.stdout.write(jsonlib.dumps(document, indent=2) + "\n")
            return
        gateway = (started.url("gateway") or "").replace("127.0.0.1", "localhost")
        if order:
            self.console.print(f"  in {order.seconds * 1000:.0f} ms, order {order.order_id}")
        self.console.print(Text.assemble(("\nGateway   ", "bold"), gateway))
        self.console.print(Text.assemble(("API docs  ", "bold"), f"{gateway}/docs"))
        self.console.print(Text("\nTry:", "bold"))
        for path in _paths_to_try(made.manifest):
            self.console.print(f"  curl {gateway}{path}", markup=False)
        if order:
            body = jsonlib.dumps({"userId": "u2", "items": [{"sku": "book-2", "quantity": 1}]})
            call = f"  curl -i {gateway}/api/orders -H 'content-type: application/json' -d '{body}'"
            self.console.print(call, markup=False)
        self.next_steps(
            [
                (f"cd {made.path}", "it runs in the background"),
                ("dsscaffold status", "what runs where"),
                ("dsscaffold logs -f", "what the services say"),
                ("dsscaffold down", "stop it; the data stays"),
            ]
        )

    def catalogue(self, result: ListResult) -> None:
        """Show what there is to choose from."""
        if self.document(result):
            return
        for kind, choices in result.choices.items():
            self.console.print(Text(kind.capitalize(), "bold"))
            for choice in choices:
                week = f", week {choice.week}" if choice.week else ""
                notes = f" ({'; '.join(choice.notes)}{week})" if choice.notes or week else ""
                self.console.print(Text.assemble("  ", (f"{choice.name:<16}", "cyan"), choice.summary, (notes, "dim")))
        self.console.print(Text.assemble(("Languages", "bold"), f"  {', '.join(result.languages)}"))

    def doctor(self, result: DoctorResult) -> None:
        """Show what was found, and the remedy where there is something to do."""
        if self.document(result):
            return
        marks = {"ok": ("✓", "green"), "fetch": ("↓", "cyan"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
        for finding in result.findings:
            mark, colour = marks[finding.level]
            self.console.print(Text.assemble((f"{mark} ", colour), f"{finding.name:<22}", finding.found))
            if finding.remedy:
                self.console.print(Text(f"    {finding.remedy}", "dim"))
        if result.fetch_bytes:
            self.console.print(f"\nThe first `up` fetches {result.fetch_bytes / 1e6:.0f} MB, once for this machine.")

    def status(self, result: StatusResult) -> None:
        """Show what runs where."""
        if self.document(result):
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("SERVICE", "STATE", "ADDRESS", "PID", "RESTARTS"):
            table.add_column(column, no_wrap=True)
        for service in result.services:
            colour = {"healthy": "green", "stopped": "dim", "starting": "yellow"}.get(service.state, "red")
            pid = str(service.pid) if service.pid else ""
            row = (service.name, Text(service.state, colour), service.url or "", pid, str(service.restarts))
            table.add_row(*row)
        self.console.print(table)
        if not any(service.pid for service in result.services):
            self.console.print(Text("Nothing runs. Start it with: dsscaffold up", "dim"))

    def fetch(self, result: FetchResult) -> None:
        """Show what was fetched."""
        if self.document(result):
            return
        count = len(result.tools) + len(result.environments)
        done = f"Fetched {count} of it now" if count else "All of it was there already"
        self.console.print(f"{done}; `up` needs no network. The tools are in {result.cache}.")

    def restart(self, result: ChangeResult) -> None:
        """Show what was started again."""
        if not self.document(result) and result.ok:
            self.console.print(f"Restarted {', '.join(result.services)} in {result.seconds:.1f} s.")

    def stop(self, result: ChangeResult) -> None:
        """Show which services were stopped."""
        if self.document(result):
            return
        if not result.services:
            self.console.print("Nothing of it was running.")
            return
        names = " ".join(result.services)
        self.console.print(f"Stopped {', '.join(result.services)} in {result.seconds:.1f} s; all else goes on.")
        self.next_steps([(f"dsscaffold up {names}", "bring it in again")])

    def down(self, result: DownResult) -> None:
        """Show what was stopped."""
        if self.document(result):
            return
        done = f"Stopped everything in {result.seconds:.1f} s." if result.was_running else "Nothing was running."
        self.console.print(f"{done} The data is removed." if result.volumes_removed else done)

    def next_steps(self, steps: Sequence[tuple[str, str]]) -> None:
        """Print commands to go on with, each with what it is for."""
        width = max(len(command) for command, _ in steps)
        self.console.print(Text("\nNext:", "bold"))
        for command, purpose in steps:
            self.console.print(Text.assemble("  ", (f"{command:<{width}}", "cyan"), f"  {purpose}" if purpose else ""))


def _plan_tree(manifest: Manifest, destination: Path) -> Tree:
    tree = Tree(Text(str(destination), "bold"), guide_style="dim")
    tree.add(Text.assemble("gateway", ("  Node.js", "dim")))
    for service in manifest.services:
        role = f", {service.role}" if service.role and service.role != service.name else ""
        tree.add(Text.assemble(str(PurePosixPath("services", service.name)), (f"  {service.lang}{role}", "dim")))
    patterns = ", ".join(manifest.patterns) or "none"
    tree.add(Text.assemble(manifest.broker, ", postgres", (f"  patterns: {patterns}", "dim")))
    return tree


def _paths_to_try(manifest: Manifest) -> list[str]:
    """Return calls that a new repository answers with something to see."""
    blank = [f"/api/{service.name}/items" for service in manifest.services if service.is_blank]
    return ["/api/users/u1", *blank] if manifest.with_role("profiles") else blank or ["/health/ready"]
