"""How long a process has said nothing at all, and when it counts as hung."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dsscaffold.runtime.health import Silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsscaffold.runtime.unit import Unit

#: A probe with its pause takes less. What takes longer is a halt of our own: a suspended machine, a Ctrl-Z.
_LONGEST_STEP = 5.0


class SilenceClock:
    """Add up the time between probes that nothing answered; any answer sets it back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._seconds = 0.0

    def heard(self, problem: str) -> float:
        """Take what a probe found; return the seconds of silence up to now."""
        now = self._clock()
        step = min(now - self._last, _LONGEST_STEP)
        self._last = now
        self._seconds = self._seconds + step if isinstance(problem, Silence) else 0.0
        return self._seconds


class HangDetector:
    """Decide over the lives of one service whether its process is hung; call `begin` at the start of each life."""

    def __init__(self, unit: Unit, clock: Callable[[], float] = time.monotonic) -> None:
        self._unit = unit
        self._clock = clock
        #: So many lives in a row were silent from their start to their end.
        self._late = 0
        self.begin()

    def begin(self) -> None:
        """Forget how the life before this one ended."""
        self._silence = SilenceClock(self._clock)
        #: How this life has to be ended, once it is hung.
        self.ending = ""

    def hangs(self, problem: str, *, was_healthy: bool) -> bool:
        """Take what a probe found, and tell whether the process has been silent for too long."""
        seconds = self._silence.heard(problem)
        self.ending = ""
        if was_healthy:
            self._late = 0
        if self._unit.restart.mode == "no":
            return False
        # One that takes long would never come if it were given the same time again and again.
        limit = self._unit.hung_after if was_healthy else self._unit.start_within * 2**self._late
        if not 0 < limit <= seconds:
            return False
        if was_healthy:
            self.ending = f"hung ({problem}, for {limit:g} s) and was killed"
        else:
            self._late += 1
            self.ending = f"gave no answer within {limit:g} s of its start ({problem}) and was killed"
        return True
