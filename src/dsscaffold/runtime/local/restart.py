"""How long to wait before a process that ended is started again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = 0.25
_LAST = 10.0
_SETTLED_SECONDS = 30.0
#: What ended so often without ever being healthy will hardly become it.
_HOPELESS_ENDS = 5


class Backoff:
    """Double the delay at every end, up to a limit; one that was healthy for long begins anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, first: float = FIRST) -> None:
        self._clock = clock
        self._first = self._delay = first
        self._healthy_since: float | None = None
        #: How often a delay was asked for since this was made.
        self.tries = 0

    def healthy(self) -> None:
        """Note that the process is healthy."""
        if self._healthy_since is None:
            self._healthy_since = self._clock()

    @property
    def is_healthy(self) -> bool:
        """Tell whether the process has been healthy since it started."""
        return self._healthy_since is not None

    @property
    def hopeless(self) -> bool:
        """Tell whether one more end is one too many."""
        return self.tries + 1 >= _HOPELESS_ENDS

    def ended(self) -> None:
        """Note that the process ended."""
        if self._healthy_since is not None and self._clock() - self._healthy_since >= _SETTLED_SECONDS:
            self._delay = self._first
        self._healthy_since = None

    def next(self) -> float:
        """Return the seconds to wait now."""
        self.tries += 1
        delay = self._delay
        self._delay = min(delay * 2, _LAST)
        return delay
