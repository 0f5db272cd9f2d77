"""The live table of a start: a row for each tool that is fetched and each service, changed in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from dsscaffold.render.columns import make_table
from dsscaffold.runtime import events

#: Below this width addresses are left out: the names are what a person looks for.
_WIDE_ENOUGH = 60
_HEADERS = ("", "SERVICE", "STATE", "SECONDS", "")
_MB = 1_000_000
_MARKS = {"good": ("✓", "green"), "bad": ("✗", "red"), "odd": ("!", "yellow"), "left": ("-", "dim")}


@dataclass
class _Row:
    """One line. `look` is "busy" while something goes on, and so long the seconds since `began` are shown."""

    name: str
    state: str
    began: float
    look: str = "busy"
    seconds: float | None = None
    detail: str = ""


class StartTable:
    """The table, made anew each time that the terminal is refreshed."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._spinner = Spinner("dots", style="yellow")
        self._before = Spinner("dots", "Preparing", style="yellow")
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.FetchStarted: self._fetch_started,
            events.FetchProgress: self._fetch_progress,
            events.FetchDone: self._fetch_done,
            events.EnvironmentStarted: self._environment_started,
            events.EnvironmentDone: self._environment_done,
            events.ServiceChanged: self._service_changed,
            events.ServiceFailed: self._service_failed,
        }

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing came that stands in it."""
        return not self._rows

    def take(self, event: events.Event) -> None:
        """Change the row that an event is about, if it is about one."""
        if handler := self._handlers.get(type(event)):
            handler(event)

    def end(self) -> None:
        """Let nothing turn any more: what had not come to an end was left."""
        for row in self._rows.values():
            if row.look == "busy":
                row.look, row.state, row.seconds = "left", "interrupted", time.perf_counter() - row.began

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        if self.is_empty:
            yield self._before
            return
        headers = _HEADERS if options.max_width >= _WIDE_ENOUGH else _HEADERS[:-1]
        rows = [self._cells(row) for row in list(self._rows.values())]
        # An address is whole or not there at all; names give way.
        yield make_table(headers, rows, options.max_width, ((4, len("http://127.0.0.1:65535")), (1, 8)))

    def _cells(self, row: _Row) -> tuple[Spinner | Text, Text, Text, Text, Text]:
        mark, colour = _MARKS.get(row.look, ("", "yellow"))
        elapsed = time.perf_counter() - row.began if row.seconds is None else row.seconds
        return (
            Text(mark, colour) if mark else self._spinner,
            Text(row.name),
            Text(row.state, colour),
            Text(f"{elapsed:.1f}", "dim"),
            Text(row.detail, "dim"),
        )

    def _begin(self, key: str, name: str, state: str, detail: str = "") -> None:
        """Start the clock of a row anew; a row stays where it came up first."""
        self._rows[key] = _Row(name, state, time.perf_counter(), detail=detail)

    def _end(self, key: str, state: str, look: str, seconds: float | None, detail: str = "") -> None:
        row = self._rows.setdefault(key, _Row(key, state, time.perf_counter()))
        if seconds is None:
            seconds = time.perf_counter() - row.began
        row.state, row.look, row.seconds, row.detail = state, look, seconds, detail

    def _fetch_started(self, event: events.FetchStarted) -> None:
        self._begin(f"fetch {event.tool}", f"{event.tool} {event.version}", "fetching", f"{event.size / _MB:.0f} MB")

    def _fetch_progress(self, event: events.FetchProgress) -> None:
        if row := self._rows.get(f"fetch {event.tool}"):
            row.state = f"{event.done / event.size:.0%}" if event.size else "fetching"
            row.detail = f"{event.done / _MB:.0f} of {event.size / _MB:.0f} MB"

    def _fetch_done(self, event: events.FetchDone) -> None:
        self._end(f"fetch {event.tool}", "fetched", "good", event.seconds, f"{event.size / _MB:.0f} MB")

    def _environment_started(self, event: events.EnvironmentStarted) -> None:
        self._begin(event.service, event.service, "installing", "its packages, as the lock file says")

    def _environment_done(self, event: events.EnvironmentDone) -> None:
        self._end(event.service, "installed", "good", event.seconds)

    def _service_changed(self, event: events.ServiceChanged) -> None:
        name = event.service
        if event.state == "starting":
            self._begin(name, name, "starting")
        elif event.state == "healthy":
            self._end(name, "healthy", "good", event.seconds, event.url or "")
        elif event.kind == "job" and event.detail == "done":
            self._end(name, "done", "good", None)
        elif event.state == "stopped":
            self._end(name, "stopped", "left", None)
        else:
            self._end(name, event.state, "odd", None, event.detail)

    def _service_failed(self, event: events.ServiceFailed) -> None:
        self._end(event.failure.service, "failed", "bad", None, event.failure.reason)


class LiveTable:
    """The table on a terminal, from `start` until `stop`, which leaves its last state standing."""

    def __init__(self, console: Console) -> None:
        self._table = StartTable()
        self._live = Live(self._table, console=console, refresh_per_second=8)
        self.take = self._table.take

    def start(self) -> None:
        """Show it; from now on whatever is printed stands above it."""
        self._live.start()

    def stop(self) -> None:
        """Leave it as it is, and give the cursor back."""
        self._table.end()
        self._live.transient = self._table.is_empty
        self._live.stop()
