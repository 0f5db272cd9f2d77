"""Print what a change of the repository does, or would do, and ask before one that leaves conflicts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sized

from rich.text import Text

from dsscaffold.commands.update import EndResult
from dsscaffold.errors import UsageError
from dsscaffold.render import Printer
from dsscaffold.templating.compare import Difference, DiffResult
from dsscaffold.templating.results import ChangedFile, ChangeResult

_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "deleted": ("-", "red"), "conflict": ("!", "bold red")}
_SIGNS["renamed"] = (">", "cyan")
_SHOWN = 40


class ChangePrinter:
    """Show changes on a printer."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._console = printer.console

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

            self._files(result)
            self._conflicts(result, "These would be left for you to resolve")
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
        for note in result.notes:
            self._printer.note(note)
        if not result.files:
            self._printer.say("Nothing to change: the repository is as its manifest and the templates say.")
            return
        self._files(result)
        if result.dry_run:
            self._conflicts(result, "These would be left for you to resolve")
            self._way(result)
            self._printer.say(f"{result.title}: {_count(result.files)} would change. Nothing was changed.")
            return
        where = "committed" if result.committed else "staged for review: git diff --cached"
        self._printer.say(f"{result.title}: {_count(result.files)} in {result.seconds:.1f} s, {where}")
        self._conflicts(result, "Resolve these; what is yours and what is the templates' stands in the markers")
        steps = [(command, "") for command in result.go_on]
        if steps:
            self._printer.next_steps([*steps, (result.abort, "take all of it back")])

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

    def _files(self, result: ChangeResult) -> None:
        files = [file for file in result.files if file.status != "conflict"]
        for file in files[:_SHOWN]:
            self._line(file)
        if len(files) > _SHOWN:
            self._console.print(f"  and {len(files) - _SHOWN} more files")

    def _line(self, file: ChangedFile | Difference) -> None:
        sign, colour = _SIGNS[file.status]
        was = f"  (was {file.was})" if isinstance(file, Difference) and file.was else ""
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
