"""The only printer: turns results into text for people or into one JSON document."""

from __future__ import annotations

import io
import json as jsonlib
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from dsscaffold.commands.open import OpenResult
    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.runtime.results import ChangeResult, DownResult, FetchResult, UpResult

_NARROWEST = 20
_UNLIMITED = 10_000


class Result(Protocol):
    """What a verb returns when it can be printed as JSON."""

    def to_json(self) -> object:
        """Return the document as plain data."""


def make_console(*, stderr: bool) -> Console:
    """Return a console; one that claims to have no width (COLUMNS=0) would swallow every text.

    What is read by a program gets lines as long as they are; what the encoding of the stream lacks becomes a "?".
    """
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _UNLIMITED
    elif console.width < _NARROWEST:
        console.width = _NARROWEST
    return console


def is_animated(console: Console) -> bool:
    """Tell whether what was printed can be changed in place: FORCE_COLOR makes no terminal of a file."""
    return console.is_interactive and console.file.isatty()


def print_error(error: DsscaffoldError) -> None:
    """Print a message and its hint on stderr."""
    console = make_console(stderr=True)
    _print_labelled(console, Text("Error: ", "bold red"), error.message)
    if error.hint:
        _print_labelled(console, Text("Hint:  ", "bold"), error.hint)


def print_note(console: Console, text: str) -> None:
    """Print what a person should know."""
    _print_labelled(console, Text("Note: ", "bold yellow"), text)


def _print_labelled(console: Console, label: Text, text: str) -> None:
    """Print a label and a text; on a terminal its lines break between words, and stand below each other."""
    if not console.is_terminal:
        console.print(label + Text(text))
        return
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(label, Text(text.replace(f"\n{' ' * len(label)}", "\n")))
    console.print(grid, soft_wrap=False)


class Printer:
    """Print for people on stdout; with `json` keep stdout for the document and print for people on stderr."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.console = make_console(stderr=json)

    def document(self, result: Result) -> bool:
        """Print `result` as JSON if that was asked for; return whether it was."""
        if self.json:
            self.write_json(result.to_json())
        return self.json

    def write_json(self, data: object) -> None:
        """Print the one document of a verb."""
        sys.stdout.write(jsonlib.dumps(data, indent=2) + "\n")

    @property
    def width(self) -> int:
        """Return the columns that there are."""
        return self.console.width

    def table(self, table: RenderableType) -> None:
        """Print a table or tree, as wide as there is room; for a program, without blanks at the ends of its lines."""
        if self.console.is_terminal:
            self.console.print(table, soft_wrap=False)
            return
        for line in self.console.render_lines(table, pad=False):
            text = Text.assemble(*((segment.text, segment.style or "") for segment in line))
            text.rstrip()
            self.console.print(text)

    def note(self, text: str) -> None:
        """Print one line that a person should know."""
        print_note(self.console, text)

    def say(self, text: str | Text) -> None:
        """Print a sentence; on a terminal its lines break between words."""
        self.console.print(text, soft_wrap=not self.console.is_terminal, markup=False)

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

    def check_terminal(self, missing: Sequence[str]) -> None:
        """Refuse to ask where nobody can answer; `missing` are the options that would be asked for.

        Raises:
            UsageError: standard input or output is no terminal.
        """
        from dsscaffold.errors import UsageError

        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            defaults = f"; it takes the defaults for {', '.join(missing)}" if missing else ""
            raise UsageError("Nobody is there to be asked.", f"Add --yes{defaults}.")

    @contextmanager
    def leaving(self, text: str) -> Iterator[None]:
        """Say `text` when the person goes away instead of answering."""
        try:
            yield
        except KeyboardInterrupt:
            self.say(text)
            raise

    def up(self, result: UpResult) -> None:
        """Show what a start reached."""
        if not self.document(result) and result.ok:
            where = "in the background" if result.detached else "in this terminal; Ctrl-C stops it"
            self.say(f"Everything is healthy after {result.timings.total:.1f} s, {where}.")
        elif not self.json and not result.interrupted:
            self._up_in_part(result)

    def _up_in_part(self, result: UpResult) -> None:
        names = [failure.service for failure in result.failures]
        well = sum(service.state == "healthy" for service in result.status.services)
        self.say(f"{len(names)} failed ({', '.join(names)}); the other {well} are healthy and stay up.")
        self.next_steps(
            [(f"dsscaffold restart {' '.join(names)}", "when it is mended"), ("dsscaffold down", "stop all")]
        )

    def fetch(self, result: FetchResult) -> None:
        """Show what was fetched."""
        if self.document(result):
            return
        count = len(result.tools) + len(result.environments)
        done = f"Fetched {count} of it now" if count else "All of it was there already"
        self.say(f"{done}; `up` needs no network. The tools are in {result.cache}.")

    def open(self, result: OpenResult) -> None:
        """Say that a browser has the page, or where it is."""
        if self.document(result):
            return
        if result.opened:
            self.console.print(f"Opened {result.url}")
        else:
            self.note("no browser could be opened from here; the address is:")
            self.console.print(result.url)

    def address(self, result: OpenResult) -> None:
        """Print an address and nothing else."""
        if not self.document(result):
            self.console.print(result.url)

    def restart(self, result: ChangeResult) -> None:
        """Show what was started again."""
        if not self.document(result) and result.ok:
            self.say(f"Restarted {', '.join(result.services)} in {result.seconds:.1f} s.")

    def stop(self, result: ChangeResult) -> None:
        """Show which services were stopped."""
        if self.document(result):
            return
        if not result.services:
            self.say("Nothing of it was running.")
            return
        names = " ".join(result.services)
        self.say(f"Stopped {', '.join(result.services)} in {result.seconds:.1f} s; all else goes on.")
        self.next_steps([(f"dsscaffold up {names}", "bring it in again")])

    def down(self, result: DownResult) -> None:
        """Show what was stopped."""
        if self.document(result):
            return
        done = f"Stopped everything in {result.seconds:.1f} s." if result.was_running else "Nothing was running."
        self.say(f"{done} The data is removed." if result.volumes_removed else done)

    @contextmanager
    def panel(self, title: str) -> Iterator[bool]:
        """Put a line above and below what is printed inside; none at its sides, so that it can be copied.

        Only for a person: yields whether there is one.
        """
        if not is_animated(self.console):
            yield False
            return
        self.console.print(Rule(Text(title, "bold"), style="green"))
        yield True
        self.console.print(Rule(style="green"))

    def next_steps(self, steps: Sequence[tuple[str, str]], *, heading: bool = True) -> None:
        """Print commands to go on with, each with what it is for."""
        width = max(len(command) for command, _ in steps)
        if heading:
            self.console.print(Text("\nNext:", "bold"))
        fits = all(width + len(purpose) + 4 <= self.width for _, purpose in steps)
        for command, purpose in steps:
            # A command is never broken by us: it is there to be copied.
            between = "  " if fits else "\n    "
            padded = f"{command:<{width}}" if fits and purpose else command
            self.console.print(Text.assemble("  ", (padded, "cyan"), f"{between}{purpose}" if purpose else ""))
