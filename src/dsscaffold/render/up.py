"""Print the events of a start and a run, one line a step; in a terminal a live line says what is awaited."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.text import Text

from dsscaffold.runtime import events
from dsscaffold.runtime.results import ServiceFailure, UpResult

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red", "bright_cyan", "bright_magenta")
_MB = 1_000_000


class UpPrinter:
    """Show events as they come: call it with each one. Leave it as a context manager, so that the live line goes."""

    def __init__(self, console: Console, on_ready: Callable[[UpResult], None] | None = None) -> None:
        self._console = console
        self._on_ready = on_ready
        self._started = time.perf_counter()
        self._waiting: dict[str, str] = {}
        self._colours: dict[str, str] = {}
        self._status: Status | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.Note: self._note,
            events.FetchStarted: self._fetch_started,
            events.FetchProgress: self._fetch_progress,
            events.FetchDone: self._fetch_done,
            events.EnvironmentStarted: self._environment_started,
            events.EnvironmentDone: self._environment_done,
            events.ServiceChanged: self._service_changed,
            events.ServiceFailed: lambda event: self._failure(event.failure),
            events.Ready: self._ready,
            events.LogLine: self._log_line,
            events.Stopping: self._stopping,
        }

    def __enter__(self) -> UpPrinter:
        if self._console.is_terminal:
            self._status = self._console.status(_Live(self))
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_live()

    def __call__(self, event: events.Event) -> None:
        """Show one event."""
        self._handlers[type(event)](event)

    def live_text(self) -> Text:
        """Return the live line: what is awaited, and the seconds since the start."""
        waiting = ", ".join(f"{name} {detail}".strip() for name, detail in self._waiting.items())
        text = f"Waiting for {waiting}" if waiting else "Starting"
        return Text(f"{text}  {time.perf_counter() - self._started:.0f} s", overflow="ellipsis", no_wrap=True)

    def _done(self, label: str, seconds: float, detail: str = "") -> None:
        line = Text.assemble(("✓ ", "green"), f"{label:<28}", (f" {seconds:5.1f} s", "dim"), f"  {detail}")
        line.rstrip()
        self._console.print(line)

    def _note(self, event: events.Note) -> None:
        self._console.print(Text.assemble(("Note: ", "bold yellow"), event.text))

    def _fetch_started(self, event: events.FetchStarted) -> None:
        self._waiting[event.tool] = f"({event.size / _MB:.0f} MB)"
        if self._status is None:
            size = f"{event.size / _MB:.0f} MB, once"
            self._console.print(Text.assemble(("↓ ", "cyan"), f"fetching {event.tool} {event.version}, {size}"))

    def _fetch_progress(self, event: events.FetchProgress) -> None:
        self._waiting[event.tool] = f"({event.done / _MB:.0f} of {event.size / _MB:.0f} MB)"

    def _fetch_done(self, event: events.FetchDone) -> None:
        self._waiting.pop(event.tool, None)
        self._done(f"fetched {event.tool} {event.version}", event.seconds, f"{event.size / _MB:.0f} MB")

    def _environment_started(self, event: events.EnvironmentStarted) -> None:
        self._waiting[f"{event.service}'s packages"] = ""

    def _environment_done(self, event: events.EnvironmentDone) -> None:
        self._waiting.pop(f"{event.service}'s packages", None)
        self._done(f"installed {event.service}", event.seconds)

    def _service_changed(self, event: events.ServiceChanged) -> None:
        if event.state == "starting":
            self._waiting[event.service] = ""
            return
        self._waiting.pop(event.service, None)
        if event.state == "healthy" and event.seconds is not None:
            self._done(event.service, event.seconds, event.url or "")
        elif event.state in {"restarting", "unhealthy"}:
            detail = f": {event.detail}" if event.detail else ""
            self._console.print(Text.assemble(("! ", "yellow"), f"{event.service} is {event.state}{detail}"))

    def _failure(self, failure: ServiceFailure) -> None:
        self._waiting.pop(failure.service, None)
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
        self._console.print(f"Stopping: {event.reason}")

    def _stop_live(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


class _Live:
    """The live line, made anew each time that the terminal is refreshed."""

    def __init__(self, printer: UpPrinter) -> None:
        self._printer = printer

    def __rich__(self) -> Text:
        return self._printer.live_text()
