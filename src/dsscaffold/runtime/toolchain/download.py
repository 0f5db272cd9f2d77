"""Download pinned files into the cache, so that what a cut or a kill left of one is gone on from."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from dsscaffold.runtime.process import Command
from dsscaffold.runtime.toolchain import download_script
from dsscaffold.runtime.toolchain.failures import FetchError, disk_full

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from dsscaffold.runtime.toolchain.cache import Cache

    OnBytes = Callable[[int], None]

#: What nobody came back for in this time is of another version of ours, or given up.
_KEEP_SECONDS = 30 * 24 * 3600
#: Before the second of five tries that bring nothing; it doubles.
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Remote:
    """A pinned file of a registry; a `size` of 0 is not known."""

    name: str
    url: str
    sha256: str
    size: int = 0


def parts_folder(cache: Cache) -> Path:
    """Return where files lie until they are installed, whole or in part."""
    return cache.folder / ".downloads"


def silent(_: int) -> None:
    """Hear nothing of how much is there."""


async def download(cache: Cache, files: Sequence[Remote], on_bytes: OnBytes = silent) -> Path | None:
    """Return the folder that holds all `files`, their hashes checked; `on_bytes` hears how much of them is there.

    None when this client is refused: a login, a certificate, a proxy of another kind. The tool that the files are for
    may know better.

    Raises:
        FetchError: the connection was cut too often, a hash differs, or the disk is full. What is there stays.
    """
    if _only_by_socks(cache):
        return None
    folder = parts_folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    _prune(folder)
    sizes: dict[str, int] = {}
    errors: list[dict[str, str]] = []

    def heard(line: str) -> None:
        with suppress(ValueError, KeyError, TypeError):
            news = json.loads(line)
            if "error" in news:
                errors.append(news)
            else:
                sizes[news["file"]] = news["bytes"]
                on_bytes(sum(sizes.values()))

    wanted = json.dumps([asdict(file) for file in files])
    argv = (sys.executable, "-I", download_script.__file__, str(folder), wanted, str(_PAUSE_SECONDS))
    done = await cache.runner.run(Command(argv, folder, cache.environ), heard)
    if done.code == 0:
        return folder
    for kind, explain in _EXPLAIN.items():
        if error := next((error for error in errors if error["kind"] == kind), None):
            raise explain(cache, error["error"], sum(sizes.values()))
    return None


def forget(cache: Cache, files: Iterable[Remote]) -> None:
    """Remove files that were installed."""
    folder = parts_folder(cache)
    for file in files:
        (folder / file.name).unlink(missing_ok=True)


def _cut(_: Cache, error: str, there: int) -> FetchError:
    kept = f" {there / 1_000_000:.1f} MB are kept: the next `up` or `fetch` goes on from there." if there else ""
    return FetchError(
        f"The download was cut off.{kept}\n{error}",
        "Try again; HTTPS_PROXY and SSL_CERT_FILE are honoured.",
        offline=not there,
    )


#: What is told first when several files failed.
_EXPLAIN: dict[str, Callable[[Cache, str, int], FetchError]] = {
    "disk": lambda cache, _, __: disk_full(cache.folder),
    "wrong": lambda _, error, __: FetchError(error),
    "cut": _cut,
}


def _only_by_socks(cache: Cache) -> bool:
    proxies = (cache.environ.get(name, "") for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"))
    return any(proxy.startswith("socks") for proxy in proxies)


def _prune(folder: Path) -> None:
    # The clock of the file system, since it is that one's times that are compared.
    with TemporaryFile(dir=folder) as marker:
        now = os.fstat(marker.fileno()).st_mtime
    for path in folder.iterdir():
        with suppress(OSError):
            if now - path.stat().st_mtime > _KEEP_SECONDS:
                path.unlink()
