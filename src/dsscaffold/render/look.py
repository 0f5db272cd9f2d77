"""Print what the verbs that only look have seen: the catalogue, this machine, what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from dsscaffold.render.columns import make_table

if TYPE_CHECKING:
    from dsscaffold.commands.catalogue import Choice, ListResult
    from dsscaffold.commands.doctor import DoctorResult, Finding
    from dsscaffold.commands.status import StatusReport, TemplatesStatus
    from dsscaffold.render import Printer
    from dsscaffold.runtime.results import ServiceStatus

_MARKS = {"ok": ("✓", "green"), "fetch": ("↓", "cyan"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
_STATES = {"healthy": "green", "stopped": "dim", "starting": "yellow"}
_HEADERS = ("SERVICE", "STATE", "ADDRESS", "PID", "RESTARTS")
#: What a terminal of some width has room for, from the widest on.
_COLUMNS = ((72, 5), (50, 3), (0, 2))


def print_catalogue(printer: Printer, result: ListResult) -> None:
    """Show what there is to choose from."""
    if printer.document(result):
        return
    for kind, choices in result.choices.items():
        printer.console.print(Text(kind.capitalize(), "bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        for choice in choices:
            table.add_row(Text(f"  {choice.name}", "cyan"), _describe(choice))
        printer.table(table)
    printer.console.print(Text.assemble(("Languages", "bold"), f"  {', '.join(result.languages)}"))


def _describe(choice: Choice) -> Text:
    notes = [*choice.notes, *([f"week {choice.week}"] if choice.week else [])]
    return Text.assemble(choice.summary, (f" ({'; '.join(notes)})" if notes else "", "dim"))


def print_doctor(printer: Printer, result: DoctorResult) -> None:
    """Show what was found, and the remedy where there is something to do."""
    if printer.document(result):
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in result.findings:
        mark, colour = _MARKS[finding.level]
        table.add_row(Text.assemble((mark, colour), f" {finding.name}"), _explain(finding))
    printer.table(table)
    if result.fetch_bytes:
        printer.say(f"\nThe first `up` fetches {result.fetch_bytes / 1e6:.0f} MB, once for this machine.")


def _explain(finding: Finding) -> Text:
    remedy = f"\n{finding.remedy}" if finding.remedy else ""
    return Text.assemble(finding.found, (remedy, "dim"))


def print_status(printer: Printer, result: StatusReport) -> None:
    """Show what runs where, and the templates that it was made of."""
    if printer.document(result):
        return
    shown = next(count for width, count in _COLUMNS if printer.width >= width)
    rows = [_cells(service) for service in result.services]
    printer.table(make_table(_HEADERS[:shown], rows, printer.width, ((0, 8),)))
    for service in result.services:
        if service.detail:
            printer.say(Text.assemble(("! ", "yellow"), (service.name, "bold"), f": {service.detail}"))
    if not any(service.pid for service in result.services):
        printer.console.print(Text("Nothing runs. Start it with: dsscaffold up", "dim"))
    if result.templates:
        printer.say(_templates(result.templates))


def _cells(service: ServiceStatus) -> tuple[Text, ...]:
    return (
        Text(service.name),
        Text(service.state, _STATES.get(service.state, "red")),
        Text(service.url or ""),
        Text(str(service.pid or "")),
        Text(str(service.restarts)),
    )


def _templates(status: TemplatesStatus) -> Text:
    if not status.update:
        return Text(f"Templates of dsscaffold {status.version}", "dim")
    newer = f"{status.installed} is installed" if status.installed != status.version else "those installed now differ"
    return Text.assemble((f"Templates of dsscaffold {status.version}; {newer}. ", "yellow"), "Run: dsscaffold update")
