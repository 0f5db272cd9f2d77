"""A file lock that says whether its holder lives: the kernel frees it when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_RETRY_SECONDS = 0.02


class HeldLock:
    """A lock that this process holds until `release` or its own end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Free the lock; the file stays, since removing it would let two processes hold one each."""
        os.close(self._descriptor)


def acquire(path: Path, *, wait: float = 0.0, text: str = "") -> HeldLock | None:
    """Take the lock at `path`, or return None when another process has it after `wait` seconds.

    `text` is left in the file for whoever finds it held.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    if not _locked(descriptor, fcntl.LOCK_EX, wait):
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
    return HeldLock(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock at `path`."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask at once do not see each other.
        return not _locked(descriptor, fcntl.LOCK_SH, 0.0)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, mode: int, wait: float) -> bool:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        else:
            return True
