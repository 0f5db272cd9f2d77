from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dsscaffold.runtime.lock import acquire, is_held


def test_only_one_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    lock = acquire(path, text="me")
    assert lock is not None
    assert is_held(path)
    assert path.read_text() == "me"
    assert acquire(path, wait=0.05) is None
    assert path.read_text() == "me"
    lock.release()
    assert not is_held(path)
    assert acquire(path) is not None


def test_a_killed_holder_leaves_it_free(tmp_path: Path) -> None:
    code = (
        "import sys, signal; from pathlib import Path; from dsscaffold.runtime.lock import acquire;"
        "lock = acquire(Path(sys.argv[1])); print('held', flush=True); signal.pause()"
    )
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_held(path)
        holder.kill()
        holder.wait()
        assert not is_held(path)
