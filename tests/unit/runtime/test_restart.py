from __future__ import annotations

from dsscaffold.runtime.local.restart import Backoff


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_delay_doubles_up_to_ten_seconds() -> None:
    backoff = Backoff(Clock())
    assert [backoff.next() for _ in range(8)] == [0.25, 0.5, 1, 2, 4, 8, 10, 10]


def test_thirty_healthy_seconds_begin_anew() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    assert [backoff.next(), backoff.next()] == [0.25, 0.5]
    backoff.healthy()
    clock.now = 29
    backoff.healthy()
    backoff.ended()
    assert backoff.next() == 1
    backoff.healthy()
    clock.now = 59
    backoff.ended()
    assert backoff.next() == 0.25


def test_time_before_it_was_healthy_does_not_count() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    backoff.next()
    clock.now = 100
    backoff.ended()
    assert backoff.next() == 0.5
