"""When a consumer is slow, and when it is stuck."""

from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition

from app.adapters.kafka.partition import Partition
from app.adapters.kafka.watchdog import STUCK_SECONDS, Stuck, Watchdog
from app.application.broker import Received
from tests.fakes import FakeClock

LEFT = TopicPartition("notes", 0)


async def ignore(_messages: Sequence[Received]) -> None: ...


def partition(position: int, busy: bool = False) -> Partition:
    """Make a partition as it looks to the watchdog, with no client behind it."""
    made = Partition(None, LEFT, ignore)
    made.position, made.busy = position, busy
    return made


def test_a_consumer_that_keeps_up_is_never_stuck() -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    idle = partition(5)
    for _ in range(10):
        watchdog.observe([idle], {LEFT: 5})
        clock.now += STUCK_SECONDS
    assert (watchdog.lag, watchdog.standstill) == (0, 0.0)


def test_a_consumer_that_moves_is_slow_and_not_stuck() -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    for position in range(10):
        watchdog.observe([partition(position)], {LEFT: 100})
        clock.now += STUCK_SECONDS
    assert (watchdog.lag, watchdog.standstill) == (91, 0.0)


def test_a_consumer_that_is_given_nothing_though_messages_wait_is_stuck() -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    idle = partition(5)
    watchdog.observe([idle], {LEFT: 6})
    clock.now += STUCK_SECONDS
    with pytest.raises(Stuck, match="notes/0"):
        watchdog.observe([idle], {LEFT: 6})


def test_a_message_that_waits_for_the_database_shows_but_calls_for_no_new_consumer() -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    waiting = partition(5, busy=True)
    watchdog.observe([waiting], {LEFT: 8})
    clock.now += STUCK_SECONDS
    watchdog.observe([waiting], {LEFT: 8})
    assert (watchdog.lag, watchdog.standstill) == (3, STUCK_SECONDS)


def test_a_topic_that_was_made_anew_is_no_standstill() -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    ahead = partition(500)
    for _ in range(3):
        watchdog.observe([ahead], {LEFT: 0})
        clock.now += STUCK_SECONDS
    assert (watchdog.lag, watchdog.standstill) == (0, 0.0)
