"""The template archive: the templates that rendered a repository, kept inside it as the base of every later merge."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
from pathlib import Path

from dsscaffold.templating.renderer import SETTINGS, layer_files


def pack_templates(templates: Path) -> tuple[bytes, str]:
    """Pack the whole templates folder; return (tar.xz bytes, sha256 of the tar inside).

    The whole folder, because a service that is added later needs a role or language that nothing uses today.
    The same templates give the same bytes: entries are sorted and have neither times nor owners. The sum is that
    of the tar, since what decides is the content: another version of xz may pack the same tar into other bytes.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, SETTINGS, templates / SETTINGS)
        for path, source in layer_files(templates):
            _add(tar, str(path), source)
    raw = buffer.getvalue()
    return lzma.compress(raw, preset=6), hashlib.sha256(raw).hexdigest()


def _add(tar: tarfile.TarFile, name: str, source: Path) -> None:
    data = source.read_bytes()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    # The run bit is all of a mode that git keeps, and all that may differ between two checkouts.
    info.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
    tar.addfile(info, io.BytesIO(data))
