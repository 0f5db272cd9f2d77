"""The template archive: the templates that rendered a repository, kept inside it as the base of every later merge."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.renderer import SETTINGS, layer_files

#: Nobody's templates are larger; what says that it is was made to fill a disk.
_LARGEST = 256 * 1024 * 1024


def pack_templates(templates: Path) -> tuple[bytes, str]:
    """Pack the whole templates folder; return (tar.xz bytes, sha256 of the tar inside).

    The whole folder, because a service that is added later needs a role or language that nothing uses today.
    The same templates give the same bytes: entries are sorted and have neither times nor owners. The sum is that
    of the tar, since what decides is the content: another version of xz may pack the same tar into other bytes.
    """
    raw = _tar(templates)
    return lzma.compress(raw, preset=6), _digest(raw)


@dataclass(frozen=True)
class Templates:
    """A folder of templates, and the sum of what is in it: that of the tar which `pack_templates` packs."""

    root: Path
    digest: str


def read_templates(root: Path) -> Templates:
    """Sum up the templates in the folder `root`."""
    return Templates(root, _digest(_tar(root)))


def check_archive(archive: bytes, digest: str) -> bytes:
    """Return the tar inside of an archive.

    Raises:
        DsscaffoldError: it is broken, or not the one that `digest` is the sum of.
    """
    try:
        unpacker = lzma.LZMADecompressor()
        raw = unpacker.decompress(archive, max_length=_LARGEST)
    except (lzma.LZMAError, EOFError) as error:
        raise DsscaffoldError(f"The archive cannot be read: {error}.") from error
    if not unpacker.eof or _digest(raw) != digest:
        raise DsscaffoldError("The archive does not hold what its sum says.")
    return raw


def unpack_templates(raw: bytes, folder: Path) -> None:
    """Unpack a tar that `check_archive` returned into `folder`; nothing in it is run.

    Raises:
        DsscaffoldError: it would write outside of the folder, or is no tar.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
            tar.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise DsscaffoldError(f"The archive cannot be read: {error}.") from error


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _tar(templates: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, SETTINGS, templates / SETTINGS)
        for path, source in layer_files(templates):
            _add(tar, str(path), source)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, source: Path) -> None:
    data = source.read_bytes()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    # The run bit is all of a mode that git keeps, and all that may differ between two checkouts.
    info.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
    tar.addfile(info, io.BytesIO(data))
