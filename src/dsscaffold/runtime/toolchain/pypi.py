"""Fetch what Python's package registry has: uv finds and installs it, and large files come in a way that can go on."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain.cache import DATA
from dsscaffold.runtime.toolchain.download import Remote, download, forget, silent
from dsscaffold.runtime.toolchain.failures import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dsscaffold.runtime.process import Completed
    from dsscaffold.runtime.toolchain.cache import Cache


async def install_pinned(
    cache: Cache, pins: str, target: Path, what: str, on_bytes: Callable[[int], None] = silent
) -> None:
    """Install the packages that `pins` names, hashes checked, as plain files under `target`.

    uv starts a download that was cut off from its beginning, in the same run as in the next one. So it is asked only
    where the wheels are, and gets them as files; where they cannot be had that way, it fetches them itself.

    Raises:
        FetchError: it does not work, with the last lines of uv.
    """
    target.mkdir(parents=True, exist_ok=True)
    uv = _Uv(cache, pins, target)
    wheels = await uv.locate()
    folder = await download(cache, wheels, on_bytes) if wheels else None
    done = await uv.install(("--no-index", "--find-links", str(folder)) if folder else ())
    if done.code != 0:
        hint = "It is fetched once, by uv, with the proxy, index and certificate variables that uv knows."
        raise failed(f"{what} could not be fetched", done.tail(), cache.folder, hint)
    forget(cache, wheels)
    uv.clean()


class _Uv:
    def __init__(self, cache: Cache, pins: str, target: Path) -> None:
        from uv import find_uv_bin

        self._run = cache.runner.run
        self._environ = cache.environ
        self._target = target
        # Not uv's own cache: ours keeps the files already, and these packages are large. What a kill leaves half
        # lies inside the target, which is thrown away as a whole.
        self._own = target / ".uv"
        self._uv = (find_uv_bin(), "pip")
        self._pins = str(DATA / pins)
        self._common = (*("--cache-dir", str(self._own), "--no-deps", "--only-binary", ":all:"), "--no-progress")

    async def locate(self) -> list[Remote]:
        """Return where the wheels for this machine are; nothing when uv does not say, or says that it cannot."""
        self._own.mkdir(exist_ok=True)
        found = self._own / "pylock.toml"
        format_ = ("--format", "pylock.toml", "--output-file", str(found), "--python", sys.executable)
        argv = (*self._uv, "compile", *self._common, *format_, "--quiet", self._pins)
        done = await self._run(Command(argv, self._target, self._environ))
        return _wheels(found.read_text(encoding="utf-8")) if done.code == 0 and found.is_file() else []

    async def install(self, source: tuple[str, ...]) -> Completed:
        target = ("--python", sys.executable, "--target", str(self._target), "--require-hashes")
        argv = (*self._uv, "install", *self._common, *target, *source, "-r", self._pins)
        return await self._run(Command(argv, self._target, self._environ))

    def clean(self) -> None:
        shutil.rmtree(self._own, ignore_errors=True)


def _wheels(pylock: str) -> list[Remote]:
    """Return the one wheel of each package; nothing where it is not that plain."""
    found = []
    for package in tomllib.loads(pylock).get("packages", []):
        match package:
            case {"wheels": [{"url": str(url), "hashes": {"sha256": str(sha256)}} as wheel]}:
                name = PurePosixPath(unquote(urlsplit(url).path)).name
                found.append(Remote(name, url, sha256, int(wheel.get("size", 0))))
            case _:
                return []
    return found
