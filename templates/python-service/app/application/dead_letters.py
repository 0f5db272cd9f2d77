"""Dead letters: what is noted on one, and the message inside."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from app.application.broker import Message, Received, dead_letter_topic

# What begins like this was added to the headers when the message became a dead letter.
NOTE = "dlq-"
# How often it was put back: the one note that stays on the message.
REPLAYS = "dlq-replays"

# A message that fills the topic's limit (1 MiB) has no room for that note.
ROOMY_BYTES = 1_000_000
# The inbox remembers an event for 30 days. What is put back within 21 days is delivered by then, or
# deleted by the broker; later, a consumer might handle an event a second time.
TOO_OLD = timedelta(days=21)
MAX_REASON = 500


class NoSuchTopic(Exception):
    """There is no dead letter topic of this name; `known` are the topics that have one."""

    def __init__(self, topic: str, known: Sequence[str]) -> None:
        others = f", only of {', '.join(sorted(known))}" if known else ""
        super().__init__(f"there are no dead letters of a topic {topic}{others}")
        self.known = sorted(known)


class DeadLetters(Protocol):
    """The dead letters of one topic."""

    def waiting(self) -> AsyncIterator[Sequence[Received]]:
        """Give all that were not settled yet, up to the last one of this moment."""

    async def settle(self, letters: Sequence[Received]) -> None:
        """Remember that these were put back."""


def dead_letter(message: Received, error: Exception, attempts: int, group: str) -> Message:
    """Make of a message that `group` gives up what goes to the dead letter topic."""
    notes = {
        "dlq-reason": f"{type(error).__name__}: {error}"[:MAX_REASON],
        "dlq-group": group,
        "dlq-topic": message.topic,
        "dlq-partition": str(message.partition),
        "dlq-offset": str(message.offset),
        "dlq-attempts": str(attempts),
        "dlq-time": datetime.now(UTC).isoformat(),
    }
    return Message(
        topic=dead_letter_topic(message.topic),
        key=message.key,
        value=message.value,
        headers=(
            *(header for header in message.headers if header[0] not in notes),
            *((name, text.encode()) for name, text in notes.items()),
        ),
    )


class DeadLetter:
    """A message that a consumer group has given up."""

    def __init__(self, letter: Received) -> None:
        self._letter = letter
        self._headers = {name: value.decode(errors="replace") for name, value in letter.headers}

    @property
    def key(self) -> str | None:
        return None if self._letter.key is None else self._letter.key.decode(errors="replace")

    @property
    def replays(self) -> int:
        text = self._headers.get(REPLAYS, "")
        return int(text) if text.isdecimal() else 0

    @property
    def origin(self) -> tuple[str | int | None, ...]:
        """The place of the message: the letters of all groups that gave it up name the same."""
        noted = tuple(map(self._headers.get, ("dlq-topic", "dlq-partition", "dlq-offset")))
        return noted if all(noted) else (self._letter.partition, self._letter.offset)

    def header(self, name: str) -> str | None:
        return self._headers.get(name)

    def too_old(self, now: datetime) -> bool:
        """Tell whether a consumer may have forgotten by now that it has handled the event."""
        try:
            time = datetime.fromisoformat(self._headers["ce_time"])
        except (KeyError, ValueError):
            return False
        return now - time.replace(tzinfo=time.tzinfo or UTC) > TOO_OLD

    def message(self, topic: str) -> Message:
        """Make the message as it was, with a note how often it has been put back."""
        value, headers = self._letter.value, self._letter.headers
        original = [header for header in headers if not header[0].startswith(NOTE)]
        if len(value or b"") < ROOMY_BYTES:
            original.append((REPLAYS, str(self.replays + 1).encode()))
        return Message(topic=topic, key=self._letter.key, value=value, headers=tuple(original))
