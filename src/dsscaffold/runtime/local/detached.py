"""Run a session in a process of its own, and follow its start from here."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.backend import UpOptions
from dsscaffold.runtime.events import Ready
from dsscaffold.runtime.files import last_lines, storage_error
from dsscaffold.runtime.local.holder import hold
from dsscaffold.runtime.process import start_detached
from dsscaffold.runtime.repo import RunFolder

if TYPE_CHECKING:
    import subprocess

    from dsscaffold.runtime.events import Event, OnEvent
    from dsscaffold.runtime.results import UpResult


def up_detached(run: RunFolder, options: UpOptions, on_event: OnEvent) -> UpResult:
    """Start a supervisor that outlives this process; return when its start is over.

    An interrupt while waiting stops it again; a second one does so at once.

    Raises:
        DsscaffoldError: what the supervisor raised.
    """
    # Asked here too: another's supervisor keeps its log, and the answer comes sooner.
    hold(run).release()
    reader, writer = Pipe(duplex=False)
    arguments = json.dumps({**asdict(options), "repo": str(run.repo)})
    process = start_detached(__name__, (arguments,), run.supervisor_log, writer.fileno())
    writer.close()
    try:
        return _relay(reader, run, on_event)
    except BaseException as error:
        if not isinstance(error, DsscaffoldError):
            _stop(process)
        raise
    finally:
        reader.close()


def _relay(reader: Connection, run: RunFolder, on_event: OnEvent) -> UpResult:
    while True:
        try:
            message: Event | DsscaffoldError = reader.recv()
        except EOFError:
            tail = "\n".join(last_lines(run.supervisor_log, 12))
            raise DsscaffoldError(f"The supervisor ended.\n{tail}".rstrip(), f"Its log: {run.supervisor_log}") from None
        if isinstance(message, DsscaffoldError):
            raise message
        on_event(message)
        if isinstance(message, Ready):
            return message.result


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()


class _Sender:
    """Send events to the process that waits for the start, for as long as it is there."""

    def __init__(self, descriptor: int) -> None:
        # Nothing that is started from here may keep the pipe open.
        os.set_inheritable(descriptor, False)
        # `Ready` comes from a thread of its own, and a service may change in that very moment.
        self._lock = Lock()
        self._connection: Connection | None = Connection(descriptor, readable=False)

    def send(self, message: Event | DsscaffoldError) -> None:
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.send(message)
            except OSError:
                self._connection = None
            if isinstance(message, Ready) and self._connection:
                self._connection.close()
                self._connection = None


def main(descriptor: str, arguments: str) -> None:
    """Be the supervisor; called by `python -m` in the detached process."""
    from dsscaffold.runtime.local.foreground import supervise

    given = json.loads(arguments)
    sender = _Sender(int(descriptor))
    options = UpOptions(True, given["port"], follow=False, services=tuple(given["services"]), watch=given["watch"])
    try:
        supervise(RunFolder(Path(given["repo"])), options, os.environ, sender.send)
    except DsscaffoldError as error:
        sender.send(error)
        sys.exit(error.exit_code)
    except OSError as error:
        sender.send(storage_error(error, Path(given["repo"])))
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
