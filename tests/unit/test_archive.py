"""The template archive: small, the same for the same content, and whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.archive import check_archive, pack_templates, read_templates, unpack_templates


def _unpack(archive: bytes) -> dict[str, tuple[bytes, int]]:
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(archive))) as tar:
        members = [(member, tar.extractfile(member)) for member in tar.getmembers()]
        return {member.name: (file.read() if file else b"", member.mode) for member, file in members}


def test_it_holds_every_template_and_its_run_bit(templates: Path) -> None:
    read = read_templates(templates)
    archive = pack_templates(read)
    unpacked = _unpack(archive)
    on_disk = {str(path.relative_to(templates)): path for path in templates.rglob("*") if path.is_file()}
    assert unpacked.keys() == on_disk.keys()
    assert all(content == on_disk[name].read_bytes() for name, (content, _) in unpacked.items())
    assert unpacked["repo/run.sh"][1] == 0o755
    assert unpacked["repo/README.md.jinja"][1] == 0o644
    assert read.digest == hashlib.sha256(lzma.decompress(archive)).hexdigest()


def test_only_content_and_run_bits_count(templates: Path) -> None:
    before = read_templates(templates)
    for path in templates.rglob("*"):
        os.utime(path, (1, 1))
    (templates / "repo" / "README.md.jinja").chmod(0o600)
    (templates / "gateway" / "__pycache__").mkdir()
    (templates / "gateway" / "__pycache__" / "x.pyc").write_bytes(b"x")
    after = read_templates(templates)
    assert after == before
    assert pack_templates(after) == pack_templates(before)
    (templates / "repo" / "run.sh").chmod(0o644)
    assert read_templates(templates).digest != before.digest


@pytest.mark.parametrize("preset", [0, 6, 9])
def test_what_was_packed_comes_out_again_however_it_was_compressed(
    templates: Path, tmp_path: Path, preset: int
) -> None:
    """An older release packed the same tar into other bytes."""
    long = templates / "repo" / "a folder" / ("n" * 120) / "é.txt"
    long.parent.mkdir(parents=True)
    long.write_text("A name that takes more than a tar's usual head.")
    read = read_templates(templates)
    folder = tmp_path / "unpacked"
    unpack_templates(check_archive(lzma.compress(read.tar, preset=preset), read.digest), folder)
    assert (folder / long.relative_to(templates)).is_file()
    again = read_templates(folder)
    assert (again.digest, again.tar) == (read.digest, read.tar)


def _entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", headers: dict[str, str] | None = None
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, link, headers or {}
    info.size = 4 if kind == tarfile.REGTYPE else 0
    return info


@pytest.mark.parametrize(
    "entries",
    [
        [_entry("../out")],
        [_entry("a/../../out")],
        [_entry("/{tmp}/out")],
        [_entry("a", tarfile.SYMTYPE, ".."), _entry("a/out")],
        [_entry("a", tarfile.SYMTYPE, "{tmp}")],
        [_entry("a"), _entry("b", tarfile.LNKTYPE, "a")],
        [_entry("out", tarfile.LNKTYPE, "../secret")],
        [_entry("out", tarfile.FIFOTYPE)],
        [_entry("out", tarfile.CHRTYPE)],
        [_entry("out", tarfile.DIRTYPE)],
        [_entry("a"), _entry("a")],
        [_entry("a"), _entry("a/out")],
        [_entry("a/b"), _entry("a")],
        [_entry("./out")],
        [_entry("a//out")],
        [_entry(".")],
        [_entry("out", headers={"path": "o\0ut"})],
        [_entry("out", headers={"GNU.sparse.map": "0,4", "GNU.sparse.size": "4096"})],
    ],
    ids=lambda entries: " ".join(f"{entry.name!r}:{entry.type.decode()}" for entry in entries),
)
def test_all_but_plain_files_below_the_folder_is_refused(tmp_path: Path, entries: list[tarfile.TarInfo]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            entry.name = entry.name.replace("{tmp}", str(tmp_path))
            entry.linkname = entry.linkname.replace("{tmp}", str(tmp_path))
            tar.addfile(entry, io.BytesIO(b"evil"))
    folder = tmp_path / "folder"
    with pytest.raises(DsscaffoldError, match="cannot be read"):
        unpack_templates(buffer.getvalue(), folder)
    assert {path.name for path in tmp_path.iterdir()} <= {"secret", "folder"}
    assert secret.read_text() == "mine"
    assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.mark.parametrize("raw", [b"", b"nonsense" * 200, gzip.compress(bytes(10240))])
def test_what_is_no_tar_is_refused(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(DsscaffoldError, match="cannot be read"):
        unpack_templates(raw, tmp_path / "folder")
