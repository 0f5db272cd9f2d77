"""Fetch what Python's package registry has, by uv."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain.cache import DATA, FetchError

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.toolchain.cache import Cache


async def install_pinned(cache: Cache, pins: str, target: Path, what: str) -> None:
    """Install the packages that `pins` names, hashes checked, as plain files under `target`.

    Raises:
        FetchError: it does not work, with the last lines of uv.
    """
    from uv import find_uv_bin

    # Without uv's own cache: ours keeps the files already, and these packages are large.
    argv = [find_uv_bin(), "pip", "install", "--no-cache", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    argv += ["--python", sys.executable, "--target", str(target), "--no-progress", "-r", str(DATA / pins)]
    done = await cache.runner.run(Command(tuple(argv), target.parent, cache.environ))
    if done.code != 0:
        raise FetchError(
            f"{what} could not be fetched:\n{done.tail()}",
            "It is fetched once, by uv, with the proxy, index and certificate variables that uv knows.",
        )
