"""What `dsscaffold replay` put back, for people or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from dsscaffold.commands.replay import ReplayResult
    from dsscaffold.render import Printer

_SKIPPED = {
    "copy": "the same message, given up by another group",
    "too old": "not put back, too old: a consumer may have forgotten by now that it has handled it",
}


def show_replay(printer: Printer, result: ReplayResult) -> None:
    """Show every letter and the reason why it was one, and then the sum."""
    if printer.document(result):
        return
    for letter in result.letters:
        what = f"{letter.type or 'no event'}  {letter.key or 'no key'}"
        where = f"  {letter.group or 'unknown group'}, {letter.time or 'unknown time'}"
        printer.say(Text.assemble((what, "bold"), (where, "dim")))
        printer.say(Text(f"  {letter.reason or 'no reason given'}"))
        if note := _SKIPPED.get(letter.outcome):
            printer.say(Text(f"  {note}", "dim"))
    if not result.letters:
        printer.say(f"No dead letter of {result.topic} waits.")
        return
    messages = "1 message" if result.put_back == 1 else f"{result.put_back} messages"
    if result.dry_run:
        printer.say(f"{messages} would be put back on {result.topic}. Nothing was done.")
    else:
        printer.say(f"{messages} put back on {result.topic}.")
