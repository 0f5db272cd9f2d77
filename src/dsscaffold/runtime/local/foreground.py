"""Run a session in this process until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from dsscaffold.runtime.local.holder import hold
from dsscaffold.runtime.local.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dsscaffold.runtime.backend import UpOptions
    from dsscaffold.runtime.events import Event, OnEvent
    from dsscaffold.runtime.repo import RunFolder
    from dsscaffold.runtime.results import UpResult

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def supervise(run: RunFolder, options: UpOptions, environ: Mapping[str, str], on_event: OnEvent) -> UpResult:
    """Start everything and keep it up; return once a signal came and all is stopped again.

    A second signal ends at once what takes its time to stop.

    Raises:
        DsscaffoldError: another process runs the repository, or nothing could be started.
    """
    lock = hold(run)
    try:
        return asyncio.run(_Supervision(run, options, environ, on_event).run())
    finally:
        lock.release()


class _Supervision:
    def __init__(self, run: RunFolder, options: UpOptions, environ: Mapping[str, str], on_event: OnEvent) -> None:
        self._session = Session(run, options, environ, self._emit)
        self._on_event = on_event
        self._reason = ""
        self._broken: Exception | None = None
        self._work: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> UpResult:
        self._loop = asyncio.get_running_loop()
        with self._signals(self._loop):
            self._work = asyncio.create_task(self._session.run())
            try:
                await asyncio.wait({self._work})
            finally:
                await self._session.close(self._reason or "it failed")
        if self._broken:
            raise self._broken
        if not self._work.cancelled() and (error := self._work.exception()):
            raise error
        return self._session.result or self._session.interrupted()

    @contextlib.contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        # `nohup` has this one ignored, and means it.
        wanted = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in wanted:
            loop.add_signal_handler(number, self._stop, number.name)
        try:
            yield
        finally:
            for number in wanted:
                loop.remove_signal_handler(number)

    def _stop(self, reason: str) -> None:
        if self._reason:
            self._session.kill()
        elif self._work:
            self._reason = reason
            self._work.cancel()

    def _emit(self, event: Event) -> None:
        """Pass an event on; whoever cannot take it any more (a closed terminal) wants no more of the run either."""
        if self._broken:
            return
        try:
            self._on_event(event)
        except Exception as error:
            self._broken = error
            if self._loop and not self._reason:
                self._loop.call_soon_threadsafe(self._stop, "its output is closed")
