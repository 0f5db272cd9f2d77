"""The template archive: the templates that rendered a repository, kept inside it as the base of every later merge."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
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


def digest_templates(templates: Path) -> str:
    """Return the sum of a templates folder as `pack_templates` does, without the time that compressing takes."""
    return _digest(_tar(templates))


def unpack_templates(archive: bytes, digest: str, folder: Path) -> None:
    """Unpack an archive into `folder`, having checked that it holds what `digest` says; nothing in it is run.

    Raises:
        DsscaffoldError: it is broken, or was changed.
    """
    try:
        unpacker = lzma.LZMADecompressor()
        raw = unpacker.decompress(archive, max_length=_LARGEST)
        if not unpacker.eof or _digest(raw) != digest:
            raise DsscaffoldError("The archive does not hold what its sum says.")
        with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
            tar.extractall(folder, filter="data")
    except (lzma.LZMAError, tarfile.TarError, EOFError) as error:
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
