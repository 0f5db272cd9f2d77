"""Look at the programs that the machine has."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.runtime.process import Command

if TYPE_CHECKING:
    from dsscaffold.runtime.toolchain.cache import Cache

Version = tuple[int, ...]
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def on_path(cache: Cache, program: str) -> Path | None:
    """Return where PATH has a program."""
    found = shutil.which(program, path=cache.environ.get("PATH", ""))
    return Path(found) if found else None


async def version(cache: Cache, program: Path, option: str) -> Version | None:
    """Return the first version number that a program prints, or None when it does not run."""
    try:
        done = await cache.runner.run(Command((str(program), option), Path("/"), cache.environ))
    except OSError:
        return None
    numbers = _NUMBERS.search("\n".join(done.lines)) if done.code == 0 else None
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else None


def dotted(numbers: Version) -> str:
    """Return a version as text."""
    return ".".join(str(number) for number in numbers)
