"""Looks at processes, each of which may end at any moment, also between two looks at it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import psutil


def gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended: nobody may ever collect it, and its number may be another's by now."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def stopped(process: psutil.Process) -> bool:
    """Tell whether a process is where a SIGSTOP left it."""
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


def living(pids: Iterable[int]) -> Iterator[psutil.Process]:
    """Yield those of the processes with these numbers that there are."""
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield psutil.Process(pid)


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return all that a process has started, and they in turn; none of one that has ended."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def lives_in(process: psutil.Process, places: list[str]) -> bool:
    """Tell whether a process works in one of these folders, or was told of one."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = [process.cwd(), *process.cmdline()]
    except psutil.Error:
        return False
    return any(place in word for place in places for word in words)
