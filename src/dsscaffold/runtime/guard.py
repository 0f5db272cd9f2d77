"""End the processes of a supervisor that died without stopping them.

Started as `python -I -S guard.py`, standard library only. Reads lines `+<group>` and `-<group>` on its standard
input, a pipe whose other end only the supervisor holds; at end of file it kills every group that was added and
not removed. It sits in a session of its own and ignores the signals that a terminal sends, so that only a kill
aimed at it ends it.
"""

import contextlib
import os
import signal

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def main() -> None:
    """Keep the list until the supervisor is gone."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    rest = b""
    while chunk := os.read(0, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            change = groups.add if line[:1] == b"+" else groups.discard
            change(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
