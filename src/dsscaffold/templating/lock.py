"""One change at a time in a work tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from dsscaffold.templating.repository import Repository


@contextmanager
def change_lock(repo: Repository, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the right to change `repo`; call `on_wait` if another run has it, and wait. A dead run holds nothing."""
    repo.private.mkdir(exist_ok=True)
    lock = FileLock(repo.private / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
