"""Ports for the servers of the tests."""

from __future__ import annotations

import random

from dsscaffold.runtime.ports import is_free

#: Below what systems give to outgoing connections, which would take the port of a server that is away for a moment;
#: and beside what dsscaffold chooses by itself.
_RANGE = range(10_000, 20_000)
#: Whoever has one may not listen on it yet.
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on, and that was not returned before."""
    port = next(port for port in random.sample(_RANGE, len(_RANGE)) if port not in _given and is_free(port))
    _given.add(port)
    return port
