"""Scripts that may mount what they like: it goes away with the process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ...patience import PATIENCE_S

_UNSHARE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--user", "--map-root-user")


def run_with_mounts(
    script: str, *arguments: object, env: Mapping[str, str] = os.environ, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a shell script as root of a mount namespace; `$PYTHON` is ours."""
    # A root of this kind is a user like others to the rest of the machine, whose root may have folders in /tmp.
    with tempfile.TemporaryDirectory() as temporary:
        return subprocess.run(
            [*_UNSHARE, "sh", "-c", script, "sh", *map(str, arguments)],
            cwd=cwd,
            env={**env, "PYTHON": sys.executable, "TMPDIR": temporary},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
