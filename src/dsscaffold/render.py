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
from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from dsscaffold.commands.new import NewResult
    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.project.manifest import Manifest


class Result(Protocol):
    """What a verb returns when it can be printed as JSON."""

    def to_json(self) -> object:
        """Return the document as plain data."""


def print_error(error: DsscaffoldError) -> None:
    """Print a message and its hint on stderr."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("Error: ", "bold red"), error.message))
    if error.hint:
        console.print(Text.assemble(("Hint:  ", "bold"), error.hint))


class Printer:
    """Print for people on stdout; with `json` keep stdout for the document and print for people on stderr."""

    def __init__(self, *, json: bool = False) -> None:
        self._json = json
        self.console = Console(stderr=json, highlight=False, soft_wrap=True)

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

    def confirm_new(self, manifest: Manifest, destination: Path, outer: Path | None) -> None:
        """Show what `new` is going to make and ask once.

        Raises:
            UsageError: nobody is there to ask.
            KeyboardInterrupt: the answer is no.
        """
        from dsscaffold.errors import UsageError

        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError("Nobody is there to be asked.", "Add --yes to take the defaults.")
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
