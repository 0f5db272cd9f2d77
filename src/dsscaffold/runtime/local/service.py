"""The life of one process: wait for what it needs, start, watch its health, start again, stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.compose.model import CONDITIONS
from dsscaffold.runtime.files import append_line, last_lines, rotate
from dsscaffold.runtime.local.causes import known_cause
from dsscaffold.runtime.local.restart import Backoff
from dsscaffold.runtime.local.silence import HangDetector
from dsscaffold.runtime.results import ServiceFailure, ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dsscaffold.runtime.compose.model import Dependency
    from dsscaffold.runtime.local.pace import Pace
    from dsscaffold.runtime.process import Child, Runner
    from dsscaffold.runtime.results import State
    from dsscaffold.runtime.unit import Unit

_TAIL_LINES = 15
_KILL_SECONDS = 2.0


class Service:
    """One unit, kept alive. `changed` is called at every change of its state."""

    def __init__(
        self,
        unit: Unit,
        others: Mapping[str, Service],
        runner: Runner,
        log: Path,
        changed: Callable[[Service], None],
        pace: Pace,
    ) -> None:
        self.unit = unit
        self.pace = pace
        self.state: State = "starting"
        self.detail = ""
        self.restarts = 0
        self.child: Child | None = None
        self.wanted = True  # Until it is stopped for good.
        self.log = log
        self.seconds: float | None = None  # From the start of the process that first became healthy.
        #: Set once, when the service is first healthy (None) or has failed.
        self.verdict: asyncio.Future[ServiceFailure | None] = asyncio.get_running_loop().create_future()
        self._others = others
        self._runner = runner
        self._changed = changed
        self._since = _now()
        self._reached = {condition: asyncio.Event() for condition in CONDITIONS}
        self._stopping = False
        self._hang = HangDetector(unit)
        self._former = ""  # How the life before this one ended, until one is healthy.
        self._awaited: float | None = None  # When the first life began that is to become healthy.
        self._backoff = Backoff(first=pace.first_restart)
        self._task: asyncio.Task[None] | None = None
        self._log_start = 0

    def status(self) -> ServiceStatus:
        """Return what `status` shows."""
        unit, pid = self.unit, self.child.pid if self.child else None
        former = f"before that, it {self._former}" if self.state == "starting" and self._former else ""
        detail = "; ".join(filter(None, (self.detail, former)))
        return ServiceStatus(unit.name, unit.kind, self.state, unit.url, pid, self.restarts, self._since, detail)

    @property
    def done(self) -> bool:
        """Tell whether this was a job that did its work."""
        return self.unit.job and self._reached["service_completed_successfully"].is_set()

    @property
    def active(self) -> bool:
        """Tell whether it runs, or is to run as soon as it can."""
        return self._task is not None and not self._task.done()

    def renew(self, unit: Unit) -> None:
        """Get ready to start as `unit` says, after a `stop` or an end."""
        self.unit = unit
        self.wanted = True
        self._stopping = False
        self._backoff = Backoff(first=self.pace.first_restart)
        for reached in self._reached.values():
            reached.clear()
        if self.verdict.done():
            self.verdict = asyncio.get_running_loop().create_future()
        self.seconds, self._hang, self._former, self._awaited = None, HangDetector(unit), "", None
        self.move("starting")

    def judge_anew(self) -> None:
        """Have a verdict to come of one that runs; a job is told about once, for it has no health to come back."""
        if self.verdict.done() and not self.unit.job:
            self.verdict = asyncio.get_running_loop().create_future()
            self._awaited = time.monotonic()

    def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.create_task(self._run(), name=self.unit.name)
        self._task.add_done_callback(self._ended_by_defect)

    async def stop(self, *, for_good: bool = True) -> None:
        """End the process with its whole group, gently first; it is not started again.

        `for_good` tells whoever waits for this service that it will not come.
        """
        self._stopping = True
        if for_good:
            self.wanted = False
            self._judge(ServiceFailure(self.unit.name, "stopped before it was healthy"))
        if self._task is None:
            return
        if self.child is None:
            self._task.cancel()
        else:
            self.child.signal(self.unit.stop_signal)
        await asyncio.wait({self._task}, timeout=self.unit.stop_grace)
        if self.child is not None:
            self.note(f"did not end within {self.unit.stop_grace:g} s, and is killed")
            self.child.kill_tree()
            self._runner.finish(self.child)
            await asyncio.wait({self._task}, timeout=_KILL_SECONDS)
        self._task.cancel()
        await asyncio.wait({self._task})
        self.move("stopped")

    def move(self, state: State, detail: str = "") -> None:
        """Come into another state, or give another reason for the same."""
        if (state, detail) == (self.state, self.detail):
            return
        if state != self.state:
            self._since = _now()
        self.state, self.detail = state, detail
        self._changed(self)

    def note(self, text: str) -> None:
        """Leave a line of our own in the service's log."""
        # A full disk must not end what watches over the others.
        with contextlib.suppress(OSError):
            append_line(self.log, f"[dsscaffold] {self.unit.name} {text}")

    def fail(self, reason: str, *, with_log: bool = True) -> None:
        """Report that the service did not become healthy, if nothing was reported yet."""
        tail = last_lines(self.log, _TAIL_LINES, self._log_start) if with_log else ()
        self._judge(ServiceFailure(self.unit.name, reason, self.log if with_log else None, tail, known_cause(tail)))

    def _judge(self, failure: ServiceFailure | None) -> None:
        if not self.verdict.done():
            self.verdict.set_result(failure)

    async def reached(self, dependency: Dependency) -> None:
        """Return once this service is as far as another one needs it to be."""
        await self._reached[dependency.condition].wait()

    async def _run(self) -> None:
        await self._wait_for_needs()
        while not self._stopping:
            code = await self._live()
            if self._stopping or not self._again(code):
                return
            self.restarts += 1
            delay = self._backoff.next()
            self._former = self._ending(code)
            self.move("restarting", f"{self._former}; starts again in {delay:g} s")
            await asyncio.sleep(delay)
            if self.unit.job:  # What it needs may have died under it: until that is back, a try would be in vain.
                await self._wait_for_needs()

    async def _wait_for_needs(self) -> None:
        for dependency in self.unit.depends_on:
            if other := self._others.get(dependency.service):
                await self._wait_for(other, dependency)

    async def _wait_for(self, other: Service, dependency: Dependency) -> None:
        # This verdict: until we wake up, the other may have been given one that is still to come.
        waiting, verdict = asyncio.ensure_future(other.reached(dependency)), other.verdict
        try:
            both: set[asyncio.Future[object]] = {waiting, verdict}  # type: ignore[arg-type]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and verdict.result() is None:
                # It was well once, and is not now.
                await asyncio.wait({waiting}, timeout=self.pace.give_up)
            if not waiting.done():
                self.fail(f"not started: it waits for {dependency.service}", with_log=False)
            await waiting
        finally:
            waiting.cancel()

    async def _live(self) -> int | None:
        """Run the process once; return its exit code, or None when it could not be started."""
        began = time.monotonic()
        self._awaited = self._awaited or began
        self._hang.begin()
        try:
            rotate(self.log)
            self._log_start = self.log.stat().st_size if self.log.exists() else 0
            if self.unit.prepare:
                await self.unit.prepare()
            child = self._runner.start(self.unit.command, self.log)
        except (DsscaffoldError, OSError) as error:
            self.note(f"could not be started: {error}")
            self.move("exited", str(error))
            self.fail(str(error), with_log=False)
            return None
        self.child = child
        self._reached["service_started"].set()
        self.move("starting")
        self._changed(self)
        watching = asyncio.create_task(self._watch(began))
        try:
            return await child.wait()
        finally:
            watching.cancel()
            self._reached["service_healthy"].clear()
            self._backoff.ended()
            # What it started and left behind goes too.
            self._runner.finish(child)
            self.child = None

    async def _watch(self, began: float) -> None:
        """Follow the health of a running process."""
        if self.unit.job:
            await asyncio.sleep(self.pace.give_up_job)
            self.fail(f"not done after {self.pace.give_up_job:g} s; it goes on")
            return
        failures = 0
        while True:
            problem = await self.unit.probe() if self.unit.probe else ""
            if self._stopping:  # It may say nothing any more, and that is no news.
                return
            hung = self._hang.hangs(problem, was_healthy=self._backoff.is_healthy)
            failures = failures + 1 if problem else 0
            if not problem:
                self._well(time.monotonic() - began)
            elif self.state == "healthy":
                # Whoever looks is to see that it is not well before it is killed for it.
                if failures >= self.pace.tolerated:
                    self._reached["service_healthy"].clear()
                    self.move("unhealthy", problem)
            elif hung and self.child:
                self.child.kill_tree()
                return
            else:
                self.move(self.state, problem)
                self._check_patience(problem)
            await asyncio.sleep(self.pace.until_next_probe(failures, healthy=self.state == "healthy"))

    def _well(self, seconds: float) -> None:
        self._backoff.healthy()
        self._former = ""
        self._reached["service_healthy"].set()
        if self.seconds is None:
            self.seconds = seconds
        self.move("healthy")
        self._judge(None)

    def _ending(self, code: int | None) -> str:
        if self._hang.ending or code is None:
            return self._hang.ending or "could not be started"
        return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"

    def _check_patience(self, problem: str) -> None:
        if self.verdict.done() or self._awaited is None:
            return
        seconds = time.monotonic() - self._awaited
        # Where its log says why, nobody has to wait for all of the time; it may still come.
        told = seconds > self.pace.suspect and known_cause(last_lines(self.log, 3, self._log_start))
        if told or seconds > self.pace.give_up:
            self.fail(f"not healthy after {seconds:.1f} s: {problem}")

    def _again(self, code: int | None) -> bool:
        """Decide whether to start again, and tell the verdict where that is decided by the way it ended."""
        mode, limit = self.unit.restart.mode, self.unit.restart.limit
        if self.unit.job and code == 0:
            self._reached["service_completed_successfully"].set()
            self.move("exited", "done")
            self._judge(None)
            return False
        wanted = mode in ("always", "unless-stopped") or (mode == "on-failure" and code != 0)
        if not wanted or (limit is not None and self._backoff.tries >= limit):
            self.move("exited", self.detail if code is None else self._ending(code))
            self.fail(self.detail)
            return False
        self.note(f"{self._ending(code)}, and is started again")
        if self._backoff.hopeless:
            self.fail(f"{self._ending(code)}, {self._backoff.tries + 1} times in a row")
        return True

    def _ended_by_defect(self, task: asyncio.Task[None]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            if error := task.exception():
                self.move("exited", f"dsscaffold failed: {error!r}")
                self.fail(self.detail)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
