"""Copier in a process of its own, started before it is needed.

Its import takes about as long as all that comes before the first rendering, so the two go on side by side. Nothing
depends on the process: where it is not there, or fails, this one renders by itself.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dsscaffold.templating import copying

_waiting: list[subprocess.Popen[bytes]] = []


@contextlib.contextmanager
def copier_ahead() -> Iterator[None]:
    """Start copier for what is rendered inside, and end it in any case."""
    # `-P`: the folder that the command was called in must not hide modules.
    command = [sys.executable, "-P", "-m", copying.__name__]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing) as process:
        _waiting.append(process)
        try:
            yield
        finally:
            dismiss_copier()
            # Closes the pipes, also with a question inside that it did not take.
            process.communicate()


def dismiss_copier() -> None:
    """End the process that waits, if one does: nothing more is to be rendered."""
    while _waiting:
        _waiting.pop().kill()


def render_ahead(tree: Path, destination: Path, uses: copying.Uses) -> bool:
    """Let the process that waits render `tree` into `destination`, as `run_copier` does; return whether it did."""
    process = next(iter(_waiting), None)
    if process is None or process.stdin is None or process.stdout is None:
        return False
    # One that has ended takes no question and gives no answer.
    with contextlib.suppress(BrokenPipeError):
        pickle.dump((tree, destination, uses), process.stdin)
        process.stdin.flush()
    return process.stdout.readline() == copying.DONE
