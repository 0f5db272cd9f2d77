"""How patient a supervisor is."""

from __future__ import annotations

from dataclasses import dataclass

from dsscaffold.runtime.local.restart import FIRST


@dataclass(frozen=True)
class Pace:
    """How patient to be, in seconds; tests are less so."""

    poll_starting: float = 0.1
    poll_healthy: float = 2.0
    #: After a failed probe of a healthy service: it is to be unhealthy in `status` well before it counts as hung.
    poll_doubted: float = 0.5
    give_up: float = 120.0
    give_up_job: float = 120.0
    #: After that a known cause in the log counts as the reason why it is not healthy.
    suspect: float = 10.0
    #: So many probes in a row must fail before a healthy service counts as unhealthy.
    tolerated: int = 2
    first_restart: float = FIRST

    def until_next_probe(self, failures: int, *, healthy: bool) -> float:
        """Return the pause after a probe, of which so many in a row have failed, of a service in that state."""
        if not healthy:
            return self.poll_starting
        return self.poll_doubted if failures else self.poll_healthy
