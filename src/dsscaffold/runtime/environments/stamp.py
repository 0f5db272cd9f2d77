"""Tell whether an environment was made from the lock file as it is now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NAME = ".dsscaffold-stamp"


@dataclass(frozen=True)
class Stamp:
    """A digest that is left inside the environment, so that it goes when the environment goes."""

    environment: Path
    digest: str

    def holds(self) -> bool:
        """Tell whether the environment carries this stamp."""
        try:
            return (self.environment / _NAME).read_text() == self.digest
        except (OSError, ValueError):
            return False

    def write(self) -> None:
        """Leave the stamp; only a finished installation may."""
        (self.environment / _NAME).write_text(self.digest)


def stamp(environment: Path, lock: Path, interpreter: str) -> Stamp:
    """Return the stamp of an environment that an interpreter has from a lock file."""
    return Stamp(environment, hashlib.sha256(interpreter.encode() + b"\0" + lock.read_bytes()).hexdigest())
