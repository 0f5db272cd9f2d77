"""Ports for the servers of the tests."""

from __future__ import annotations

import random

from dsscaffold.runtime.ports import is_free

#: Below what systems give to outgoing connections, which would take the port of a server that is away for a moment;
#: and beside what dsscaffold chooses by itself.
_RANGE = range(10_000, 20_000)


def free_port() -> int:
    """Return a port that nobody listens on."""
    return next(port for port in random.sample(_RANGE, 200) if is_free(port))
