"""A program on a pseudo-terminal, and what stands on its screen: a terminal emulator reads what it writes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

from ..patience import PATIENCE_S

#: What a prompt asks any terminal.
WHERE_IS_THE_CURSOR = b"\x1b[6n"


class Screen:
    """Run `command` on a terminal of some columns and lines; `text` is what a person sees there now."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        columns: int = 80,
        lines: int = 50,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**kept, "TERM": "xterm-256color", **(env or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self._emulator = pyte.HistoryScreen(columns, lines, history=10_000, ratio=1.0)
        self._stream = pyte.ByteStream(self._emulator)
        self.raw = b""
        self._unanswered = b""

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def lines(self) -> list[str]:
        """Return the lines from the first one on, those that have scrolled away too, without the empty ones below."""
        above = ["".join(line[n].data for n in range(self._emulator.columns)) for line in self._emulator.history.top]
        return [line.rstrip() for line in "\n".join([*above, *self._emulator.display]).rstrip().split("\n")]

    @property
    def text(self) -> str:
        """Return the lines as one text."""
        return "\n".join(self.lines)

    @property
    def has_cursor(self) -> bool:
        """Tell whether the cursor can be seen."""
        return not self._emulator.cursor.hidden

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window, as a person does with the mouse."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._emulator.resize(lines, columns)

    def wait_for(self, text: str) -> None:
        """Read until `text` stands somewhere on the screen."""
        self._read_until(lambda: text in self.text)
        assert text in self.text, f"{text!r} never came:\n{self.text}"

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Read until what stands on the screen fulfils a condition."""
        self._read_until(condition)
        assert condition(), f"it never came:\n{self.text}"

    def finish(self) -> int:
        """Read to the end and return the exit code."""
        self._read_until(lambda: False)
        return self.process.wait(timeout=PATIENCE_S)

    def _read_until(self, done: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._ours], [], [], max(left, 0))
            assert ready, f"nothing more came:\n{self.text}"
            try:
                chunk = os.read(self._ours, 65536)
            except OSError:  # how Linux says that the other side has closed
                return
            if not chunk:
                return
            self.raw += chunk
            self._stream.feed(chunk)
            self._unanswered += chunk
            # What comes at once may be the half of a question.
            while WHERE_IS_THE_CURSOR in self._unanswered:
                self._unanswered = self._unanswered.partition(WHERE_IS_THE_CURSOR)[2]
                row, column = self._emulator.cursor.y + 1, self._emulator.cursor.x + 1
                os.write(self._ours, f"\x1b[{row};{column}R".encode())


def _take_terminal() -> None:
    """Make the terminal the controlling one of a new session, so that Ctrl-C reaches the program."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
