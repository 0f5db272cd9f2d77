import asyncio
from typing import Any

from app.adapters.pruning import EVERY_SECONDS, KEEP_DAYS, Pruner
from app.application.broker import Unavailable


class FakeSession:
    """Notes what is deleted; does not answer as often as it is told."""

    def __init__(self, outages: int = 0) -> None:
        self.pruned: list[tuple[str, tuple[object, ...]]] = []
        self._outages = outages

    async def execute(self, query: str, *args: object) -> str:
        if self._outages > 0:
            self._outages -= 1
            raise Unavailable("database: no answer")
        self.pruned.append((query, args))
        return "DELETE 1"

    async def fetch(self, query: str, *args: object) -> list[Any]:
        raise NotImplementedError

    async def fetchrow(self, query: str, *args: object) -> None:
        raise NotImplementedError

    async def fetchval(self, query: str, *args: object) -> Any:
        raise NotImplementedError


class Hours:
    """Time that passes at once, until so many waits are over; then the pruner is stopped."""

    def __init__(self, count: int) -> None:
        self.waits: list[float] = []
        self._count = count

    async def wait(self, stopped: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) > self._count:
            stopped.set()


async def test_the_inbox_is_pruned_every_hour_and_not_at_the_start() -> None:
    session, hours = FakeSession(), Hours(2)
    await Pruner(session, hours.wait).run()
    assert hours.waits == [EVERY_SECONDS] * 3
    assert len(session.pruned) == 2
    query, args = session.pruned[0]
    assert query.startswith("DELETE FROM inbox WHERE received_at <")
    assert args == (KEEP_DAYS,)


async def test_a_process_that_is_stopped_within_the_hour_forgets_nothing() -> None:
    session, hours = FakeSession(), Hours(0)
    await Pruner(session, hours.wait).run()
    assert session.pruned == []


async def test_an_outage_of_the_database_is_no_reason_to_give_up() -> None:
    session, hours = FakeSession(outages=1), Hours(2)
    await Pruner(session, hours.wait).run()
    assert len(session.pruned) == 1
