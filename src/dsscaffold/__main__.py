"""Run the command line, as `dsscaffold` and as `python -m dsscaffold`."""

from __future__ import annotations

import signal
import sys
from contextlib import AbstractContextManager, nullcontext

#: The verbs that render. For them copier starts before all else, even before it is known whether they make sense.
RENDERING = frozenset(
    {
        *("new", "update", "diff"),
        *("add-service", "remove-service", "rename-service", "add-pattern", "remove-pattern", "set-broker"),
    }
)
_WITHOUT = frozenset({"--help", "--abort", "--continue"})


def main() -> None:
    """Run the command line."""
    try:
        with _copier(sys.argv[1:]):
            from dsscaffold.cli import main as run

            run()
    except KeyboardInterrupt:
        # It came before the command line was there to take it.
        sys.stderr.write("Error: Stopped.\n")
        sys.exit(130)
    finally:
        # All is said. `python -m` would end by killing itself with the signal, instead of with the exit code, where the
        # interrupt came within an `exec`, caught or not: every dataclass has one as it is defined.
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _copier(words: list[str]) -> AbstractContextManager[None]:
    if RENDERING.isdisjoint(words[:1]) or not _WITHOUT.isdisjoint(words):
        return nullcontext()
    from dsscaffold.templating.ahead import copier_ahead

    return copier_ahead()


if __name__ == "__main__":
    main()
