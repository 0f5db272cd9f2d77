"""Ask the process that runs a repository to change what runs, over a socket that only this user can open."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.files import storage_error, user_folder, write_atomically
from dsscaffold.runtime.local.holder import holder
from dsscaffold.runtime.local.wire import Done, read_answer, read_request, write_answer, write_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.local.wire import Answer, Request
    from dsscaffold.runtime.repo import RunFolder

    Handle = Callable[[Request, OnEvent], Awaitable[Done]]

#: The address of a unix socket has room for 104 bytes on macOS; a repository's own path may be longer.
_LONGEST_PATH = 100
_CONNECT_SECONDS = 5.0


class GoneError(DsscaffoldError):
    """Whoever ran the repository has ended since it was looked for: nothing was done."""


class ControlServer:
    """Take requests from other processes, for as long as it is open."""

    def __init__(self, run: RunFolder, handle: Handle) -> None:
        self._run = run
        self._handle = handle
        self._path = _socket_path(run.repo)
        self._server: asyncio.Server | None = None
        self._work: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen, and say where in the run folder."""
        # Left by one that was killed: the repository's lock is ours, so nobody listens there.
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        write_atomically(self._run.control, str(self._path))

    async def close(self) -> None:
        """Take no more requests, and end those that are under way."""
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        self._run.control.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._work.add(task)

        def send(answer: Answer) -> None:
            # Who asked may have gone away; what was asked for is done all the same.
            with contextlib.suppress(OSError):
                writer.write(write_answer(answer))

        try:
            await self._answer(await reader.readline(), send)
            with contextlib.suppress(OSError):
                await writer.drain()
        except asyncio.CancelledError:
            send(DsscaffoldError("Everything is being stopped."))
        finally:
            self._work.discard(task)
            writer.close()

    async def _answer(self, line: bytes, send: Callable[[Answer], None]) -> None:
        try:
            send(await self._handle(read_request(line), send))
        except DsscaffoldError as error:
            send(error)
        except OSError as error:
            send(storage_error(error, self._run.repo))
        except (ValueError, KeyError) as error:
            send(DsscaffoldError(f"The supervisor failed: {type(error).__name__}: {error}"))


def ask(run: RunFolder, request: Request, on_event: OnEvent) -> Done:
    """Have the supervisor of a repository do something; pass on what it tells meanwhile.

    Raises:
        GoneError: there is none any more.
        DsscaffoldError: it does not answer, or refuses.
    """
    heard = False
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(run.control.read_text(encoding="utf-8"))
        except OSError:
            raise _deaf(run) from None
        connection.settimeout(None)
        for line in _answers(connection, request):
            heard = True
            answer = read_answer(line)
            if isinstance(answer, DsscaffoldError):
                raise answer
            if isinstance(answer, Done):
                return answer
            on_event(answer)
    if not heard:
        raise _gone()
    raise DsscaffoldError("The supervisor ended before it was done.", "`dsscaffold status` shows what runs.")


def _answers(connection: socket.socket, request: Request) -> Iterator[bytes]:
    """Send a request and yield the lines of its answer, as far as they come."""
    # One that is killed with a request unread resets the connection.
    with connection.makefile("rb") as lines, contextlib.suppress(ConnectionError):
        connection.sendall(write_request(request))
        yield from lines


def forget(run: RunFolder) -> None:
    """Remove what a supervisor that was killed left of its socket; call it with the repository's lock held."""
    if run.control.exists():
        # By its name: the file may be what a power loss made of it.
        _socket_path(run.repo).unlink(missing_ok=True)
        run.control.unlink()


def _deaf(run: RunFolder) -> DsscaffoldError:
    pid = holder(run)
    if pid is None:
        return _gone()
    return DsscaffoldError(
        f"Process {pid}, which runs this repository, takes no requests (any more, or yet).",
        "Try again in a moment; `dsscaffold down` stops it in any case.",
    )


def _gone() -> GoneError:
    return GoneError("The process that ran this repository has just ended.", "Start all again: dsscaffold up")


def _socket_path(repo: Path) -> Path:
    name = hashlib.sha256(os.fsencode(repo)).hexdigest()[:16]
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):
        folder = parent / f"dsscaffold-control-{os.getuid()}"
        if len(os.fsencode(folder / name)) <= _LONGEST_PATH:
            break
    return user_folder("control", parent) / name
