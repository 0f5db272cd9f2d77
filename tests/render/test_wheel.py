"""The wheel carries the templates as they are, with their run bits."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from ..patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


def test_the_wheel_carries_every_template(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, timeout=4 * PATIENCE_S)
    (wheel,) = tmp_path.glob("dsscaffold-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        prefix = "dsscaffold/_templates/"
        packed = {
            entry.filename.removeprefix(prefix): entry for entry in archive.infolist() if prefix in entry.filename
        }
        tracked = subprocess.run(
            ["git", "ls-files", "templates"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
        names = {name.removeprefix("templates/") for name in tracked}
        assert names <= packed.keys()
        for name in names:
            source = ROOT / "templates" / name
            assert archive.read(packed[name]) == source.read_bytes()
            assert bool(packed[name].external_attr >> 16 & 0o100) == bool(source.stat().st_mode & 0o100), name
