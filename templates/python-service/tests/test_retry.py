from app.application.retry import LONGEST_DELAY, backoff


def test_delays_grow_up_to_a_limit() -> None:
    assert backoff(1) < backoff(4) < backoff(6)
    assert LONGEST_DELAY / 2 <= backoff(10_000) <= LONGEST_DELAY
