"""The template archive: the templates that rendered a repository, kept inside it as the base of every later merge."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.renderer import SETTINGS, layer_files

#: Nobody's templates are larger; what says that it is was made to fill a disk.
_LARGEST = 256 * 1024 * 1024
#: A quarter of the time of the usual preset, and a twelfth more bytes.
_PRESET = 3


@dataclass(frozen=True)
class Templates:
    """A folder of templates, what is in it as a tar, and the sum of that."""

    root: Path
    digest: str
    tar: bytes = field(repr=False)


def read_templates(root: Path) -> Templates:
    """Read the whole templates folder `root`.

    The whole folder, because a service that is added later needs a role or language that nothing uses today.
    The same templates give the same tar: entries are sorted and have neither times nor owners.
    """
    raw = _tar(root)
    return Templates(root, _digest(raw), raw)


def pack_templates(templates: Templates) -> bytes:
    """Return the archive, a tar.xz.

    What it is known by is the sum of the tar: another version of xz, or of us, may pack the same into other bytes.
    """
    return lzma.compress(templates.tar, preset=_PRESET)


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
    """Unpack a tar that `check_archive` returned into `folder`, which is new or empty; nothing in it is run.

    It takes what `read_templates` gives, files with plain names below the folder, and nothing else. So no link can lead
    out of it, and no name has to be followed to its end on disk to know that.

    Raises:
        DsscaffoldError: something else is in it, or it is no tar.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            for entry in tar:
                _unpack(tar, entry, folder)
    except (tarfile.TarError, ValueError, FileExistsError, NotADirectoryError) as error:
        raise DsscaffoldError(f"The archive cannot be read: {error}.") from error


def _unpack(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    path = PurePosixPath(entry.name)
    below = path.parts and str(path) == entry.name and not path.is_absolute() and ".." not in path.parts
    plain = entry.type == tarfile.REGTYPE and not entry.issparse()
    content = tar.extractfile(entry) if below and plain else None
    if content is None:
        raise tarfile.ExtractError(f"{entry.name!r} is no plain file below its folder")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(content.read())
    if entry.mode & 0o100:
        target.chmod(0o755)


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
