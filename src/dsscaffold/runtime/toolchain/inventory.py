"""Tell whether a folder still holds what was put into it."""

from __future__ import annotations

import hashlib
import json
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NAME = ".dsscaffold-files.json"
_LINK = "link"


def take(folder: Path) -> None:
    """Note every file below `folder` in it, with size, time and hash."""
    entries = {
        str(path.relative_to(folder)): _entry(path) for path in sorted(folder.rglob("*")) if not _is_folder(path)
    }
    (folder / _NAME).write_text(json.dumps(entries), encoding="utf-8")


def damage(folder: Path) -> str:
    """Return what differs from what was noted, or an empty text; a folder without notes is taken as it is.

    A file is read only where its time differs: a look at all of them takes milliseconds.
    """
    try:
        text = (folder / _NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    try:
        entries = json.loads(text)
        return next((problem for name, entry in entries.items() if (problem := _problem(folder, name, entry))), "")
    except (ValueError, TypeError, AttributeError):
        return f"{_NAME} is broken"


def _problem(folder: Path, name: str, entry: list[object]) -> str:
    path = folder / name
    try:
        found = path.lstat()
    except OSError:
        return f"{name} is missing"
    size, time, digest = entry
    if time == _LINK:
        return "" if path.is_symlink() and str(path.readlink()) == digest else f"{name} points elsewhere"
    if found.st_size != size:
        return f"{name} has another size"
    return "" if found.st_mtime_ns == time or _digest(path) == digest else f"{name} has another content"


def _entry(path: Path) -> list[object]:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return [0, _LINK, str(path.readlink())]
    return [found.st_size, found.st_mtime_ns, _digest(path)]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
