"""Small things with files that more than one module needs."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 64 * 1024


def storage_error(error: OSError, folder: Path) -> DsscaffoldError:
    """Return what a person is told when a file below `folder` could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "Make room and try again; `dsscaffold doctor` shows how much there is. Nothing is left half-written."
        return DsscaffoldError(f"The disk that holds {folder} is full.", hint)
    where = f"{error.filename}: " if error.filename else ""
    return DsscaffoldError(f"{where}{error.strerror or error}.")


def user_folder(purpose: str, parent: Path) -> Path:
    """Return a folder in a place that all users share, for this user's eyes only.

    Raises:
        DsscaffoldError: another user was there first.
    """
    folder = parent / f"dsscaffold-{purpose}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise DsscaffoldError(f"{folder} belongs to another user.", "Remove it, or set TMPDIR to a folder of your own.")
    return folder


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path`: a reader sees the old text or the new, whatever happens to us."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def last_lines(path: Path, count: int, start: int = 0) -> tuple[str, ...]:
    """Return the last lines of a text file, none from before the byte `start`."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(min(start, size), size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(deque((line for line in lines if line.strip()), maxlen=count))


def append_line(path: Path, line: str) -> None:
    """Add a line to a log that another process may be writing into too."""
    with path.open("ab") as file:
        file.write(f"{line}\n".encode())


def rotate(path: Path, limit: int = 5_000_000) -> None:
    """Move a log that has grown large aside, as `.1`, in the place of the one before."""
    if path.exists() and path.stat().st_size > limit:
        path.replace(path.with_name(f"{path.name}.1"))
