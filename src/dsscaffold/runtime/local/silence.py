"""How long a process has said nothing at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dsscaffold.runtime.health import Silence

if TYPE_CHECKING:
    from collections.abc import Callable

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
