"""Show the events of a start and a run: in a terminal a table in place, else one line a step; then the logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.text import Text

from dsscaffold.render import is_animated, print_note
from dsscaffold.render.live import LiveTable
from dsscaffold.runtime import events
from dsscaffold.runtime.results import ServiceFailure, UpResult

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red", "bright_cyan", "bright_magenta")
_MB = 1_000_000
#: What the table says in full, as long as it is there.
_IN_THE_TABLE = (
    events.FetchStarted,
    events.FetchProgress,
    events.FetchDone,
    events.EnvironmentStarted,
    events.EnvironmentDone,
    events.ServiceChanged,
)


class UpPrinter:
    """Show events as they come: call it with each one. Leave it as a context manager: it gives the cursor back."""

    def __init__(self, console: Console, on_ready: Callable[[UpResult], None] | None = None) -> None:
        self._console = console
        self._on_ready = on_ready
        self._colours: dict[str, str] = {}
        self._live: LiveTable | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.Note: self._note,
            events.FetchStarted: self._fetch_started,
            events.FetchProgress: _pass,
            events.FetchDone: self._fetch_done,
            events.EnvironmentStarted: _pass,
            events.EnvironmentDone: self._environment_done,
            events.ServiceChanged: self._service_changed,
            events.ServiceFailed: lambda event: self._failure(event.failure),
            events.Ready: self._ready,
            events.LogLine: self._log_line,
            events.Stopping: self._stopping,
        }

    def __enter__(self) -> UpPrinter:
        if is_animated(self._console):
            self._live = LiveTable(self._console)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_live()

    def __call__(self, event: events.Event) -> None:
        """Show one event."""
        if self._live:
            self._live.take(event)
            if isinstance(event, _IN_THE_TABLE):
                return
        self._handlers[type(event)](event)

    def _done(self, label: str, seconds: float, detail: str = "") -> None:
        line = Text.assemble(("✓ ", "green"), f"{label:<28}", (f" {seconds:5.1f} s", "dim"), f"  {detail}")
        line.rstrip()
        self._console.print(line)

    def _note(self, event: events.Note) -> None:
        print_note(self._console, event.text)

    def _fetch_started(self, event: events.FetchStarted) -> None:
        size = f"{event.size / _MB:.0f} MB, once"
        self._console.print(Text.assemble(("↓ ", "cyan"), f"fetching {event.tool} {event.version}, {size}"))

    def _fetch_done(self, event: events.FetchDone) -> None:
        self._done(f"fetched {event.tool} {event.version}", event.seconds, f"{event.size / _MB:.0f} MB")

    def _environment_done(self, event: events.EnvironmentDone) -> None:
        self._done(f"installed {event.service}", event.seconds)

    def _service_changed(self, event: events.ServiceChanged) -> None:
        if event.state == "healthy" and event.seconds is not None:
            self._done(event.service, event.seconds, event.url or "")
        elif event.state in {"restarting", "unhealthy"}:
            detail = f": {event.detail}" if event.detail else ""
            self._console.print(Text.assemble(("! ", "yellow"), f"{event.service} is {event.state}{detail}"))

    def _failure(self, failure: ServiceFailure) -> None:
        self._console.print(Text.assemble(("✗ ", "red"), (failure.service, "bold"), f": {failure.reason}"))
        if failure.cause:
            self._console.print(Text.assemble(("  ", ""), (failure.cause, "bold yellow")))
        for line in failure.log_tail:
            self._console.print(Text.assemble(("  | ", "dim"), line))
        if failure.log_file:
            self._console.print(Text(f"  all of it: {failure.log_file}", "dim"))

    def _ready(self, event: events.Ready) -> None:
        self._stop_live()
        if self._on_ready:
            self._on_ready(event.result)

    def _log_line(self, event: events.LogLine) -> None:
        colour = self._colours.setdefault(event.service, _COLOURS[len(self._colours) % len(_COLOURS)])
        self._console.print(Text.assemble((f"{event.service:<16} | ", colour), event.line))

    def _stopping(self, event: events.Stopping) -> None:
        self._stop_live()
        if self._console.is_terminal:
            # The terminal has put a ^C where the cursor was.
            self._console.print()
        self._console.print(f"Stopping: {event.reason}")

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _pass(_: events.Event) -> None:
    """Say nothing: without a table only ends are told."""
