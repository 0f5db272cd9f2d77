import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from app.adapters.relay import POLL_SECONDS, Batch, Relay
from app.application.broker import Message, Unavailable
from tests.fakes import FakeBroker, until

BATCH = 10


class FakeTable:
    """An outbox in memory. Its connection can break, and another relay can hold the lock."""

    def __init__(self, events: int = 0) -> None:
        self.waiting: dict[int, Message] = {}
        self.refused: dict[int, str] = {}
        self.locked = False
        self.lock_attempts = 0
        self.outages = 0
        self.opened = 0
        for _ in range(events):
            self.add()

    def add(self) -> None:
        number = len(self.waiting)
        self.waiting[number] = Message(topic="notes", key=b"k", value=str(number).encode())

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeTable"]:
        self.opened += 1
        yield self

    async def lock(self) -> bool:
        self.lock_attempts += 1
        return not self.locked

    async def unpublished(self) -> Batch:
        oldest = dict(list(self.waiting.items())[:BATCH])
        return Batch(oldest, full=len(oldest) == BATCH)

    async def mark_published(self, numbers: Sequence[int]) -> None:
        if self.outages > 0:
            self.outages -= 1
            raise Unavailable("database: no answer")
        for number in numbers:
            del self.waiting[number]

    async def mark_refused(self, number: int, refusal: str) -> None:
        del self.waiting[number]
        self.refused[number] = refusal

    async def prune(self, days: int) -> None: ...


async def no_time(_event: asyncio.Event, _seconds: float) -> None:
    await asyncio.sleep(0)


async def run(table: FakeTable, broker: FakeBroker, condition: Callable[[], bool]) -> Relay:
    """Run a relay until something is true, and then let it end."""
    relay = Relay(table, broker, no_time)
    running = asyncio.create_task(relay.run())
    await until(condition)
    relay.stop()
    await running
    return relay


def values(broker: FakeBroker) -> list[int]:
    return [int(message.value or b"") for message in broker.topics["notes"]]


async def test_publishes_everything_in_order_and_marks_it() -> None:
    table, broker = FakeTable(events=2 * BATCH + 1), FakeBroker()
    relay = await run(table, broker, lambda: not table.waiting)
    assert values(broker) == list(range(2 * BATCH + 1))
    assert (await relay.health()).ok


async def test_is_woken_by_a_commit() -> None:
    table, broker = FakeTable(), FakeBroker()
    polls: list[float] = []

    async def wait(event: asyncio.Event, seconds: float) -> None:
        if seconds == POLL_SECONDS:
            polls.append(seconds)
            await event.wait()

    relay = Relay(table, broker, wait)
    running = asyncio.create_task(relay.run())
    await until(lambda: len(polls) == 1)
    table.add()
    relay.wake()
    await until(lambda: len(polls) == 2)
    assert values(broker) == [0]
    relay.stop()
    await running


async def test_publishes_what_was_committed_before_it_stops() -> None:
    table, broker = FakeTable(events=1), FakeBroker()
    relay = Relay(table, broker, no_time)
    running = asyncio.create_task(relay.run())
    await until(lambda: not table.waiting)
    table.add()
    relay.stop()
    await running
    assert not table.waiting


async def test_goes_on_when_the_broker_is_back() -> None:
    table, broker = FakeTable(events=3), FakeBroker(outages=4)
    await run(table, broker, lambda: not table.waiting)
    assert values(broker) == [0, 1, 2]


async def test_says_what_is_wrong_while_the_broker_is_away() -> None:
    table, broker = FakeTable(events=1), FakeBroker(outages=1000)
    relay = await run(table, broker, lambda: broker.outages < 990)
    health = await relay.health()
    assert not health.ok
    assert health.detail == {"reason": "broker: no answer"}


async def test_publishes_again_what_it_could_not_mark() -> None:
    table, broker = FakeTable(events=2), FakeBroker()
    table.outages = 1
    await run(table, broker, lambda: not table.waiting)
    assert values(broker) == [0, 1, 0, 1]
    assert table.opened == 2


async def test_an_event_that_is_refused_for_good_blocks_nothing() -> None:
    table, broker = FakeTable(events=3), FakeBroker(most_bytes=1)
    table.waiting[1] = Message(topic="notes", key=b"k", value=b"too large")
    relay = await run(table, broker, lambda: not table.waiting)
    assert table.refused == {1: "broker: too large"}
    # What came before it went out twice; a consumer knows it by its id.
    assert values(broker) == [0, 0, 2]
    assert (await relay.health()).ok


async def test_stands_by_while_another_relay_has_the_lock_and_then_takes_over() -> None:
    table, broker = FakeTable(events=1), FakeBroker()
    table.locked = True
    relay = Relay(table, broker, no_time)
    running = asyncio.create_task(relay.run())
    await until(lambda: table.lock_attempts > 3)
    assert values(broker) == []
    assert (await relay.health()).ok
    table.locked = False
    await until(lambda: not table.waiting)
    relay.stop()
    await running
    assert values(broker) == [0]


async def test_a_relay_on_standby_stops_without_publishing() -> None:
    table, broker = FakeTable(events=1), FakeBroker()
    table.locked = True
    await run(table, broker, lambda: table.lock_attempts > 3)
    assert values(broker) == []
