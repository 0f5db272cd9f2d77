"""Fetch what Python's package registry has, by uv."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain.cache import DATA
from dsscaffold.runtime.toolchain.failures import failed

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.toolchain.cache import Cache


async def install_pinned(cache: Cache, pins: str, target: Path, what: str) -> None:
    """Install the packages that `pins` names, hashes checked, as plain files under `target`.

    Raises:
        FetchError: it does not work, with the last lines of uv.
    """
    from uv import find_uv_bin

    # Not uv's own cache: ours keeps the files already, and these packages are large. What a kill leaves half
    # lies inside the target, which is thrown away as a whole.
    uv_cache = target / ".uv"
    argv = [
        find_uv_bin(),
        "pip",
        "install",
        "--cache-dir",
        str(uv_cache),
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]
    argv += ["--python", sys.executable, "--target", str(target), "--no-progress", "-r", str(DATA / pins)]
    done = await cache.runner.run(Command(tuple(argv), target.parent, cache.environ))
    if done.code != 0:
        hint = "It is fetched once, by uv, with the proxy, index and certificate variables that uv knows."
        raise failed(f"{what} could not be fetched", done.tail(), cache.folder, hint)
    shutil.rmtree(uv_cache, ignore_errors=True)
