"""Read the log files that the services write."""

from __future__ import annotations

import heapq
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

from dsscaffold.runtime.events import LogLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dsscaffold.runtime.repo import RunFolder

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?")


class Follower:
    """Yield what the logs held when this was made, and what is added to them from then on."""

    def __init__(self, run: RunFolder, services: Iterable[str]) -> None:
        self._run = run
        self._files = {service: _Tail(run.log(service)) for service in services}

    def add(self, service: str) -> None:
        """Follow another service from here on."""
        if service not in self._files:
            self._files[service] = _Tail(self._run.log(service))

    def history(self, tail: int | None) -> Iterator[LogLine]:
        """Yield what was logged before, in the order of time as far as the lines tell it.

        `tail` bounds the lines of each service. A line without a time belongs to the one before it.
        """
        timed = [_timed_lines(service, file.before(), tail) for service, file in self._files.items()]
        for _, line in heapq.merge(*timed, key=lambda entry: entry[0]):
            yield line

    def lines(self) -> Iterator[LogLine]:
        """Yield the complete lines that have come since the last call."""
        for service, file in self._files.items():
            for line in file.lines():
                yield LogLine(service, line)


class _Tail:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = self._start = _size(path)
        self._rest = b""

    def before(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                return file.read(self._start).decode(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def lines(self) -> Iterator[str]:
        try:
            size = self._path.stat().st_size
            if size < self._at:
                # Moved aside or emptied: what is here now is new.
                self._at, self._rest = 0, b""
            if size == self._at:
                return
            with self._path.open("rb") as file:
                file.seek(self._at)
                chunk = file.read()
        except FileNotFoundError:
            return
        self._at += len(chunk)
        *complete, self._rest = (self._rest + chunk).split(b"\n")
        for raw in complete:
            yield raw.decode(errors="replace").rstrip("\r")


def _size(path: Path) -> int:
    """Return the size of a log, which its service may be moving aside in this very moment."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _timed_lines(service: str, lines: list[str], tail: int | None) -> list[tuple[float, LogLine]]:
    result = []
    moment = 0.0
    for line in lines if tail is None else lines[max(0, len(lines) - tail) :]:
        moment = max(moment, _time_of(line) or moment)
        result.append((moment, LogLine(service, line)))
    return result


def _time_of(line: str) -> float | None:
    """Return the time in seconds that a line carries: a JSON field `time`, or a timestamp near its start."""
    if line.startswith("{"):
        try:
            value = json.loads(line).get("time")
        except ValueError:
            return None
        if isinstance(value, int | float):
            return float(value) / 1000
        line = str(value)
    found = _TIMESTAMP.search(line[:80])
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found.group().replace(" UTC", "+00:00").replace(",", ".")).timestamp()
    except ValueError:
        return None
