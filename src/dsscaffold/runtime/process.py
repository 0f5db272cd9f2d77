"""The only place that starts processes. Each gets a session of its own, and the guard hears of it at once."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dsscaffold.runtime import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: A process tells the guard of itself before it becomes what it is to be: whoever is killed at whatever moment, nothing
#: runs that the guard has not heard of. The guard may be gone; then nobody reads, and that must not end the process.
_SCRIPT = 'trap "" PIPE; echo "+$$" >&0 2>/dev/null; trap - PIPE; exec "$@" </dev/null'


@dataclass(frozen=True)
class Identity:
    """The user that a process runs as, where that is not our own."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to start, and how. The environment is whole: nothing is inherited beside it."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    identity: Identity | None = None


@dataclass(frozen=True)
class Completed:
    """How a process ended, and what it printed on stdout and stderr together."""

    code: int
    lines: tuple[str, ...]

    def tail(self, count: int = 12) -> str:
        """Return the last lines."""
        return "\n".join(self.lines[-count:])


class Child:
    """A running process and the group that it leads."""

    def __init__(self, popen: subprocess.Popen[bytes], ended: asyncio.Future[int]) -> None:
        self._popen = popen
        self._ended = ended
        self.pid = popen.pid

    async def wait(self) -> int:
        """Return the exit code once the process has ended, negative for a signal."""
        return await asyncio.shield(self._ended)

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        _signal_group(self.pid, number)

    def kill_tree(self) -> None:
        """Kill the process with all that it has started, in sessions of their own too, and stopped ones.

        Postgres gives each backend a session; one that hangs does not notice that its server is gone, holds its
        memory, and so keeps the next server from starting.
        """
        import psutil

        with contextlib.suppress(psutil.Error):
            descendants = psutil.Process(self.pid).children(recursive=True)
            self.signal(signal.SIGKILL)
            for process in descendants:
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def signal_leader(self, number: int) -> None:
        """Send a signal to the process alone; what it started is its own to stop."""
        self._popen.send_signal(number)


class Runner:
    """Start processes on behalf of one supervisor."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def guard_pid(self) -> int | None:
        """Return the guard's process id, once anything was started."""
        return self._guard.pid if self._guard else None

    def start(self, command: Command, log: Path) -> Child:
        """Start a process that writes into `log`, and that lives on its own.

        Raises:
            OSError: it cannot be started.
        """
        with log.open("ab") as output:
            popen = self._popen(command, output.fileno())
        return self._watch(popen, None)

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        """Run a tool to its end; when the caller is cancelled, its whole group is killed.

        Raises:
            OSError: it cannot be started.
        """
        lines: list[str] = []

        def collect(line: str) -> None:
            lines.append(line)
            if on_line:
                on_line(line)

        child = self._watch(self._popen(command, subprocess.PIPE), collect)
        try:
            return Completed(await child.wait(), tuple(lines))
        finally:
            self.finish(child)

    def finish(self, child: Child) -> None:
        """Kill what is left of a group whose leader has ended (or is to end now), and forget it."""
        child.signal(signal.SIGKILL)
        self._groups.discard(child.pid)
        self._tell(f"-{child.pid}")

    def kill_all(self) -> None:
        """Kill every group at once."""
        for group in self._groups:
            _signal_group(group, signal.SIGKILL)

    def close(self) -> None:
        """Let the guard go: at the end of its pipe it kills what is still in the list, and ends."""
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _popen(self, command: Command, stdout: int) -> subprocess.Popen[bytes]:
        identity = command.identity
        _check_program(command)
        guard_pipe = self._guard_pipe()
        popen = subprocess.Popen(
            ("/bin/sh", "-c", _SCRIPT, "sh", *command.argv),
            cwd=command.cwd,
            env=command.env,
            stdin=guard_pipe,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
        )
        self._groups.add(popen.pid)
        self._tell(f"+{popen.pid}")
        return popen

    def _watch(self, popen: subprocess.Popen[bytes], on_line: Callable[[str], None] | None) -> Child:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()

        def finish(code: int) -> None:
            if not ended.done():
                ended.set_result(code)

        def wait() -> None:
            # A loop that is closed already has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                if popen.stdout and on_line:
                    _read_lines(popen.stdout, lambda line: loop.call_soon_threadsafe(on_line, line))
                loop.call_soon_threadsafe(finish, popen.wait())

        # A thread each, as asyncio's own watcher: the default executor has too few for children that live long.
        threading.Thread(target=wait, name=f"wait-{popen.pid}", daemon=True).start()
        return Child(popen, ended)

    def _guard_pipe(self) -> IO[bytes]:
        if self._guard is None:
            self._start_guard()
        assert self._guard is not None
        assert self._guard.stdin is not None
        return self._guard.stdin

    def _start_guard(self) -> None:
        # It inherits that these signals wait: one that comes before it ignores them must not end it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, guard.IGNORED)
        try:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                bufsize=0,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _tell(self, line: str) -> None:
        if self._guard is None or self._guard.stdin is None:
            return
        try:
            self._guard.stdin.write(f"{line}\n".encode())
        except BrokenPipeError:
            # Somebody ended the guard: the next one is told of everything again.
            self.close()
            self._start_guard()
            for group in self._groups:
                self._tell(f"+{group}")


def _check_program(command: Command) -> None:
    """Say here what the shell would only say in the log.

    Raises:
        FileNotFoundError: there is no such program, or it may not be run.
    """
    name = command.argv[0]
    place = str(command.cwd / name) if os.sep in name else name
    if shutil.which(place, path=command.env.get("PATH", os.defpath)) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _read_lines(stream: IO[bytes], on_line: Callable[[str], object]) -> None:
    with stream:
        for raw in stream:
            on_line(raw.decode(errors="replace").rstrip())


def _signal_group(group: int, number: int) -> None:
    # Permission: macOS says so of a group whose members have all ended and are not yet reaped.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def start_detached(module: str, arguments: tuple[str, ...], log: Path, descriptor: int) -> subprocess.Popen[bytes]:
    """Start a module of ours that outlives this process, in a session of its own; it inherits one descriptor.

    `-P`: the folder that the command was called in must not hide modules.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(descriptor), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(descriptor,),
        )
    _detached.append(process)
    return process


#: Kept, since Python warns of a running child that nobody holds any more.
_detached: list[subprocess.Popen[bytes]] = []
