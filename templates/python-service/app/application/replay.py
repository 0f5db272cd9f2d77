"""Put dead letters back on their topic, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from app.application.broker import Publisher, Received
from app.application.dead_letters import DeadLetter, DeadLetters

# A copy: several groups gave up the same message, which is put back once for all of them.
Outcome = Literal["put back", "copy", "too old"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one letter, or what would."""

    letter: DeadLetter
    outcome: Outcome

    def to_json(self) -> dict[str, object]:
        letter = self.letter
        return {
            "key": letter.key,
            "type": letter.header("ce_type"),
            "id": letter.header("ce_id"),
            "reason": letter.header("dlq-reason"),
            "group": letter.header("dlq-group"),
            "time": letter.header("dlq-time"),
            "replays": letter.replays,
            "outcome": self.outcome,
        }


async def replay(
    topic: str, letters: DeadLetters, publisher: Publisher, *, dry_run: bool = False
) -> list[Replayed]:
    """Put back what waits; `dry_run` only tells what that is.

    Letters are settled when the broker has their messages: a crash in between puts some back again,
    and the inbox of each consumer drops what it knows.
    """
    now = datetime.now(UTC)
    origins: set[object] = set()
    done: list[Replayed] = []
    async for batch in letters.waiting():
        judged = [_judge(DeadLetter(letter), origins, now) for letter in batch]
        if not dry_run:
            await _put_back(topic, judged, batch, letters, publisher)
        done += judged
    return done


def _judge(letter: DeadLetter, origins: set[object], now: datetime) -> Replayed:
    if letter.origin in origins:
        return Replayed(letter, "copy")
    origins.add(letter.origin)
    return Replayed(letter, "too old" if letter.too_old(now) else "put back")


async def _put_back(
    topic: str,
    judged: Sequence[Replayed],
    batch: Sequence[Received],
    letters: DeadLetters,
    publisher: Publisher,
) -> None:
    messages = [one.letter.message(topic) for one in judged if one.outcome == "put back"]
    if messages:
        await publisher.publish(messages)
    await letters.settle(batch)
