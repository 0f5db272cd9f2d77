"""Print what a change of the repository does, or would do, and ask before one that leaves conflicts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sized
from itertools import groupby

from rich.text import Text

from dsscaffold.commands.update import EndResult
from dsscaffold.errors import UsageError
from dsscaffold.render import Printer
from dsscaffold.templating.compare import Difference, DiffResult
from dsscaffold.templating.results import ChangedFile, ChangeResult

_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "deleted": ("-", "red"), "conflict": ("!", "bold red")}
_SIGNS["renamed"] = (">", "cyan")
_SHOWN = 40
#: So many files that come or go together are shown as their folder.
_MANY = 8


class ChangePrinter:
    """Show changes on a printer."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._console = printer.console
        self._asked = False

    def confirmation(self, *, yes: bool, always: bool = False) -> Callable[[ChangeResult], None]:
        """Return what asks before a change that leaves conflicts, or before any (`always`).

        It raises KeyboardInterrupt when the answer is no. A script is not asked about conflicts: it gets exit code 1.
        """

        def confirm(result: ChangeResult) -> None:
            if yes or not (always or result.conflicts):
                return
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                if always:
                    raise UsageError("Nobody is there to be asked.", "Add --yes.")
                return
            import questionary

            self._asked = True
            self._files(result)
            self._conflicts(result, "These would be left for you to resolve")
            with self._printer.leaving("Nothing was changed."):
                if not questionary.confirm(f"{result.title}?").unsafe_ask():
                    raise KeyboardInterrupt

        return confirm

    def waiting(self) -> None:
        """Say that another run has to end first."""
        self._printer.note("another dsscaffold is changing this repository; waiting for it to end.")

    def change(self, result: ChangeResult) -> None:
        """Show what was changed, or would be, and how to go on."""
        if self._printer.document(result):
            return
        if not result.files:
            self._notes(result)
            self._printer.say("Nothing to change: the repository is as its manifest and the templates say.")
            return
        if not self._asked:
            self._files(result)
        if result.dry_run:
            self._notes(result)
            self._conflicts(result, "These would be left for you to resolve")
            self._way(result)
            self._printer.say(f"{result.title}: {_count(result.files)} would change. Nothing was changed.")
            return
        where = "committed" if result.committed else "staged for review"
        self._printer.say(f"{result.title}: {_count(result.files)} in {result.seconds:.1f} s, {where}")
        self._notes(result)
        self._conflicts(result, "Resolve these; the markers say what is yours and what is the templates'")
        if result.go_on:
            review = [] if result.conflicts else [("git diff --cached", "what it does")]
            self._printer.next_steps([*review, *((command, "") for command in result.go_on)])
            self._console.print(Text("Or take all of it back:", "bold"))
            self._console.print(Text(f"  {result.abort}", "cyan"))

    def end(self, result: EndResult) -> None:
        """Show how the last change ended."""
        if self._printer.document(result):
            return
        said = "Finished" if result.action == "continue" else "Taken back"
        self._console.print(Text(f"{said}: {result.title}"))
        if result.conflicts:
            self._console.print(Text(f"Resolve: {', '.join(result.conflicts)}"))
        if result.rescued:
            shown = ", ".join(result.rescued)
            self._printer.note(f"{shown} had edits of yours; copies are in {result.rescued_in}.")

    def diff(self, result: DiffResult, *, patch: bool) -> None:
        """Show what both sides changed."""
        if self._printer.document(result):
            return
        sides = (
            ("The templates, since they rendered this repository", result.templates, result.templates_patch),
            ("Your team, against what was rendered", result.team, result.team_patch),
        )
        for title, files, text in sides:
            self._printer.say(Text(f"{title}: {_count(files)}", "bold"))
            for file in files:
                self._line(file)
            if patch:
                self._console.print(Text(text))
        if not patch and (result.templates or result.team):
            self._console.print("With --patch it shows the lines too.")

    def _notes(self, result: ChangeResult) -> None:
        for note in result.notes:
            self._printer.note(note)

    def _files(self, result: ChangeResult) -> None:
        lines = _lines([file for file in result.files if file.status != "conflict"])
        for file, count in lines[:_SHOWN]:
            self._line(file, f"  ({count} files)" if count > 1 else "")
        if left := sum(count for _, count in lines[_SHOWN:]):
            self._console.print(f"  and {left} more files")

    def _line(self, file: ChangedFile | Difference, more: str = "") -> None:
        sign, colour = _SIGNS[file.status]
        was = f"  (was {file.was})" if isinstance(file, Difference) and file.was else more
        self._console.print(Text.assemble("  ", (sign, colour), f" {file.path}", (was, "dim")))

    def _conflicts(self, result: ChangeResult, title: str) -> None:
        if result.conflicts:
            self._printer.say(Text(f"{title}:", "bold red"))
        for conflict in result.conflicts:
            self._console.print(Text.assemble(("  ! ", "bold red"), conflict.path, (f"  {conflict.reason}", "dim")))

    def _way(self, result: ChangeResult) -> None:
        if result.in_the_way:
            self._printer.say(Text("It would be refused: these hold work that is not committed:", "bold red"))
        for path in result.in_the_way:
            self._console.print(Text(f"  {path}"))


def _count(files: Sized) -> str:
    return {0: "nothing", 1: "1 file"}.get(len(files), f"{len(files)} files")


def _lines(files: list[ChangedFile]) -> list[tuple[ChangedFile, int]]:
    """Return what to show, and how many files each line stands for: a service that comes or goes is one line."""
    found: list[tuple[ChangedFile, int]] = []
    for folder, group in groupby(files, key=lambda file: "/".join(file.path.split("/")[:2])):
        members = list(group)
        statuses = {file.status for file in members}
        if len(members) >= _MANY and len(statuses) == 1 and statuses <= {"added", "deleted"}:
            found.append((ChangedFile(f"{folder}/", members[0].status), len(members)))
        else:
            found += [(file, 1) for file in members]
    return found
