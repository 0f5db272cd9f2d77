"""How messages are taken from Kafka, with a client in memory."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import TopicPartition

from app.adapters.kafka.membership import Membership
from app.adapters.kafka.partition import LONG_SECONDS, Partition
from app.adapters.kafka.watchdog import Stuck
from app.application.broker import Received
from tests.fakes import FakeClock, until

LEFT, RIGHT = TopicPartition("notes", 0), TopicPartition("notes", 1)


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int
    offset: int
    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = (("ce_id", b"1"), ("empty", None))


class FakeClient:
    """As much of the Kafka client as a membership uses, over lists in memory."""

    def __init__(self, **values: list[str]) -> None:
        self.records = {
            tp: [Record(tp.topic, tp.partition, n, v.encode()) for n, v in enumerate(values[side])]
            for tp, side in ((LEFT, "left"), (RIGHT, "right"))
        }
        self.positions: defaultdict[TopicPartition, int] = defaultdict(int)
        self.committed: dict[TopicPartition, int] = {}
        self.listener: Any = None
        self.stopped = False
        self.more = asyncio.Event()

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True

    def subscribe(self, topics: Collection[str], listener: Any) -> None:
        self.listener = listener

    async def position(self, tp: TopicPartition) -> int:
        return self.committed.get(tp, 0)

    async def getmany(
        self, tp: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]:
        while not (found := self.records[tp][self.positions[tp] :][:max_records]):
            self.more.clear()
            await self.more.wait()
        self.positions[tp] += len(found)
        return {tp: found}

    async def end_offsets(self, partitions: object) -> None:
        await asyncio.Event().wait()  # No broker answers.

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed.update(offsets)


class Handler:
    """Handles messages, except that it stops at the ones that are held back."""

    def __init__(self, *held: str) -> None:
        self.handled: list[str] = []
        self.started: list[str] = []
        self.received: list[Received] = []
        self.released = asyncio.Event()
        self._held = held

    async def __call__(self, messages: Sequence[Received]) -> None:
        for message in messages:
            text = (message.value or b"").decode()
            self.started.append(text)
            self.received.append(message)
            if text in self._held:
                await self.released.wait()
            self.handled.append(text)


class Member:
    """A membership that was given both partitions."""

    def __init__(self, client: FakeClient, handler: Handler) -> None:
        self.client = client
        self.membership = Membership(client, ["notes"], handler)
        self.stopping = asyncio.Event()

    async def join(self) -> None:
        self.task = asyncio.create_task(self.membership.run(self.stopping))
        await until(lambda: self.client.listener is not None)
        await self.membership.on_partitions_assigned([LEFT, RIGHT])

    async def leave(self) -> None:
        self.stopping.set()
        await self.task


async def test_keeps_the_order_of_a_partition_and_lets_none_wait_for_another() -> None:
    client, handler = FakeClient(left=["a", "b", "c"], right=["x", "y"]), Handler("a")
    member = Member(client, handler)
    await member.join()
    await until(lambda: handler.handled == ["x", "y"])
    handler.released.set()
    await until(lambda: len(handler.handled) == 5)
    assert handler.handled[2:] == ["a", "b", "c"]
    await member.leave()


async def test_takes_what_is_fetched_while_a_message_is_in_hand() -> None:
    client, handler = FakeClient(left=["a", "b", "c"], right=[]), Handler("a")
    member = Member(client, handler)
    await member.join()
    await until(lambda: client.positions[LEFT] == 3 and handler.started == ["a"])
    handler.released.set()
    await until(lambda: handler.handled == ["a", "b", "c"])
    await member.leave()


async def test_what_was_taken_and_not_handled_is_left_to_the_next_member() -> None:
    client, handler = FakeClient(left=["a", "b", "c"], right=[]), Handler("a")
    member = Member(client, handler)
    await member.join()
    await until(lambda: client.positions[LEFT] == 3 and handler.started == ["a"])
    leaving = asyncio.create_task(member.leave())
    await until(member.stopping.is_set)
    handler.released.set()
    await leaving
    assert handler.started == ["a"]
    assert client.committed == {LEFT: 1}


async def test_takes_nothing_more_once_it_is_told_to_stop() -> None:
    client, handler = FakeClient(left=["a"], right=[]), Handler("a")
    partition = Partition(client, LEFT, handler)
    running = asyncio.create_task(partition.run())
    await until(lambda: handler.started == ["a"])
    partition.stop()
    client.records[LEFT].append(Record("notes", 0, 1, b"b"))
    client.more.set()
    await asyncio.sleep(0)
    handler.released.set()
    await running
    assert client.positions[LEFT] == 1


async def test_finishes_the_messages_in_hand_commits_and_leaves() -> None:
    # The first comes alone, two more together; the last is not taken any more.
    client, handler = FakeClient(left=["a", "b", "c", "d"], right=["x"]), Handler("b")
    member = Member(client, handler)
    await member.join()
    await until(lambda: "b" in handler.started and "x" in handler.handled)
    leaving = asyncio.create_task(member.leave())
    await until(member.stopping.is_set)
    handler.released.set()
    await leaving
    assert handler.handled[-1] == "c"
    assert client.committed == {LEFT: 3, RIGHT: 1}
    assert client.stopped


async def test_commits_what_is_handled_before_a_partition_goes_to_another_member() -> None:
    client, handler = FakeClient(left=["a"], right=["x", "y"]), Handler()
    member = Member(client, handler)
    await member.join()
    await until(lambda: len(handler.handled) == 3)
    await member.membership.on_partitions_revoked([LEFT, RIGHT])
    assert client.committed == {LEFT: 1, RIGHT: 2}
    assert member.membership.partitions == 0
    assert member.membership.problem is None
    await member.leave()


async def test_goes_on_where_the_group_has_come_to() -> None:
    client, handler = FakeClient(left=["a", "b"], right=[]), Handler()
    client.committed[LEFT] = client.positions[LEFT] = 1
    member = Member(client, handler)
    await member.join()
    await until(lambda: handler.handled == ["b"])
    await member.leave()
    assert client.committed == {LEFT: 2}


async def test_an_error_of_the_client_ends_the_membership() -> None:
    client, handler = FakeClient(left=["a"], right=[]), Handler()

    async def broken(tp: TopicPartition) -> int:
        raise OSError("gone")

    client.position = broken  # type: ignore[method-assign]
    member = Member(client, handler)
    await member.join()
    with pytest.raises(ExceptionGroup, match="errors"):
        await member.task
    assert client.stopped


async def test_a_client_that_does_not_find_its_broker_again_ends_the_membership(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("WATCH_SECONDS", "CALL_SECONDS", "STUCK_SECONDS"):
        monkeypatch.setattr(f"app.adapters.kafka.membership.{name}", 0)
    client, handler = FakeClient(left=["a"], right=[]), Handler()
    member = Member(client, handler)
    await member.join()
    with pytest.raises(ExceptionGroup) as ended:
        await member.task
    assert ended.group_contains(Stuck, match="does not find its broker again")
    assert client.stopped


async def test_hands_over_everything_that_a_record_has() -> None:
    client, handler = FakeClient(left=["a"], right=[]), Handler()
    member = Member(client, handler)
    await member.join()
    await until(lambda: handler.handled == ["a"])
    await member.leave()
    assert handler.received == [
        Received(
            topic="notes",
            key=None,
            value=b"a",
            headers=(("ce_id", b"1"), ("empty", b"")),
            partition=0,
            offset=0,
        )
    ]


async def test_takes_more_at_once_and_fewer_when_they_take_long() -> None:
    clock, taken = FakeClock(), list[int]()
    client = FakeClient(left=[str(number) for number in range(25)], right=[])

    async def handle(messages: Sequence[Received]) -> None:
        taken.append(len(messages))
        clock.now += LONG_SECONDS * 2 if len(taken) in (4, 5) else 0

    partition = Partition(client, LEFT, handle, clock)
    running = asyncio.create_task(partition.run())
    await until(lambda: partition.position == 25)
    running.cancel()
    assert taken == [1, 2, 4, 8, 4, 2, 4]
