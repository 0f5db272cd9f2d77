"""The template archive: small, the same for the same content, and whole."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import tarfile
from pathlib import Path

from dsscaffold.templating.archive import pack_templates


def _unpack(archive: bytes) -> dict[str, tuple[bytes, int]]:
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(archive))) as tar:
        members = [(member, tar.extractfile(member)) for member in tar.getmembers()]
        return {member.name: (file.read() if file else b"", member.mode) for member, file in members}


def test_it_holds_every_template_and_its_run_bit(templates: Path) -> None:
    archive, digest = pack_templates(templates)
    unpacked = _unpack(archive)
    on_disk = {str(path.relative_to(templates)): path for path in templates.rglob("*") if path.is_file()}
    assert unpacked.keys() == on_disk.keys()
    assert all(content == on_disk[name].read_bytes() for name, (content, _) in unpacked.items())
    assert unpacked["repo/run.sh"][1] == 0o755
    assert unpacked["repo/README.md.jinja"][1] == 0o644
    assert digest == hashlib.sha256(lzma.decompress(archive)).hexdigest()


def test_only_content_and_run_bits_count(templates: Path) -> None:
    before = pack_templates(templates)
    for path in templates.rglob("*"):
        os.utime(path, (1, 1))
    (templates / "repo" / "README.md.jinja").chmod(0o600)
    (templates / "gateway" / "__pycache__").mkdir()
    (templates / "gateway" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert pack_templates(templates) == before
    (templates / "repo" / "run.sh").chmod(0o644)
    assert pack_templates(templates) != before
