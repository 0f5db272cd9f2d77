from collections.abc import Awaitable, Callable
from typing import ClassVar

import pytest

from app.application.broker import Message
from app.application.events import Event, Outbox, on
from app.entrypoints.dispatcher import MAX_ATTEMPTS, Dispatcher
from tests.fakes import FakeBroker, FakeClock, FakeInbox, FakeOutbox, message

# At first a message is tried together with those that wait too.
TOGETHER = 1


class Noted(Event):
    topic: ClassVar[str] = "notes"
    type: ClassVar[str] = "note.written"

    text: str

    @property
    def key(self) -> str:
        return self.text


def note(text: str, id: str | None = None) -> Message:
    return message("notes", "note.written", f'{{"text": "{text}", "colour": "red"}}', id=id)


class Reader:
    """Handles notes; the first tries to read the note "heavy" fail."""

    def __init__(self, failures: int = 0) -> None:
        self.read: list[str] = []
        self.failures = failures

    async def __call__(self, event: Noted, work: Outbox) -> None:
        if event.text == "heavy" and self.failures > 0:
            self.failures -= 1
            raise ArithmeticError("too heavy")
        self.read.append(event.text)


class Setting:
    def __init__(
        self,
        handler: Callable[[Noted, Outbox], Awaitable[None]],
        database_outages: int = 0,
        broker_outages: int = 0,
    ) -> None:
        self.broker = FakeBroker()
        self.clock = FakeClock()
        self.inbox: FakeInbox[Outbox] = FakeInbox(FakeOutbox(), database_outages)
        self.publisher = FakeBroker(broker_outages)
        self._dispatcher = Dispatcher(
            [on(Noted, handler)], self.inbox, self.publisher, "readers", self.clock.sleep
        )

    async def deliver(self, *messages: Message) -> None:
        await self.broker.publish(messages)
        await self.broker.deliver("notes", self._dispatcher)

    @property
    def dead_letters(self) -> list[Message]:
        return self.publisher.topics["notes.dlq"]


async def test_hands_an_event_to_its_handler_and_ignores_fields_it_does_not_know() -> None:
    reader = Reader()
    await Setting(reader).deliver(note("one"), note("two"))
    assert reader.read == ["one", "two"]


async def test_the_second_copy_of_an_event_changes_nothing() -> None:
    reader = Reader()
    await Setting(reader).deliver(note("one", id="1"), note("one", id="1"))
    assert reader.read == ["one"]


async def test_what_arrives_together_is_one_transaction() -> None:
    setting = Setting(Reader())
    await setting.deliver(note("one"), note("two"), note("three"))
    assert setting.inbox.transactions == 1


async def test_a_message_that_fails_harms_none_of_those_it_arrived_with() -> None:
    setting = Setting(Reader(failures=TOGETHER + MAX_ATTEMPTS))
    await setting.deliver(note("before", id="1"), note("heavy", id="2"), note("after", id="3"))
    assert setting.inbox.handled == {"1", "3"}
    assert len(setting.dead_letters) == 1


async def test_other_types_on_the_topic_are_skipped() -> None:
    reader = Reader()
    setting = Setting(reader)
    await setting.deliver(message("notes", "note.burnt", "not even JSON"), note("one"))
    assert reader.read == ["one"]
    assert setting.dead_letters == []


async def test_what_concerns_no_handler_takes_no_transaction() -> None:
    setting = Setting(Reader())
    await setting.deliver(message("notes", "note.burnt", "{}"))
    assert setting.inbox.transactions == 0


async def test_a_failing_message_is_tried_again_and_those_behind_it_wait() -> None:
    reader = Reader(failures=TOGETHER + MAX_ATTEMPTS - 1)
    setting = Setting(reader)
    await setting.deliver(note("heavy"), note("after"))
    assert reader.read == ["heavy", "after"]
    assert len(setting.clock.waits) == MAX_ATTEMPTS - 1
    assert setting.dead_letters == []


async def test_a_message_that_always_fails_becomes_a_dead_letter_and_blocks_nothing() -> None:
    reader = Reader(failures=TOGETHER + MAX_ATTEMPTS)
    setting = Setting(reader)
    await setting.deliver(note("heavy", id="7"), note("after"))
    assert reader.read == ["after"]
    [letter] = setting.dead_letters
    headers = dict(letter.headers)
    assert letter.key == b"k"
    assert letter.value == b'{"text": "heavy", "colour": "red"}'
    assert headers["ce_id"] == b"7"
    assert headers["dlq-reason"] == b"ArithmeticError: too heavy"
    assert headers["dlq-group"] == b"readers"
    assert headers["dlq-topic"] == b"notes"
    assert headers["dlq-partition"] == headers["dlq-offset"] == b"0"
    assert headers["dlq-attempts"] == str(MAX_ATTEMPTS).encode()
    assert "dlq-time" in headers


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (message("notes", "note.written", "{"), b"body"),
        (message("notes", "note.written", '{"text": 1}'), b"text"),
        (Message(topic="notes", key=None, value=b"{}"), b"no header ce_id"),
        (Message(topic="notes", key=None, value=None), b"no header ce_id"),
    ],
)
async def test_what_is_no_event_becomes_a_dead_letter_at_once(
    broken: Message, reason: bytes
) -> None:
    reader = Reader()
    setting = Setting(reader)
    await setting.deliver(broken, note("after"))
    assert reader.read == ["after"]
    assert setting.clock.waits == []
    [letter] = setting.dead_letters
    assert reason in dict(letter.headers)["dlq-reason"]
    assert dict(letter.headers)["dlq-attempts"] == b"1"


async def test_an_outage_of_the_database_is_waited_out_and_never_a_reason_for_a_dead_letter() -> (
    None
):
    reader = Reader()
    setting = Setting(reader, database_outages=50)
    await setting.deliver(note("one"))
    assert reader.read == ["one"]
    assert len(setting.clock.waits) == 50 - TOGETHER
    assert setting.dead_letters == []


async def test_a_dead_letter_waits_for_the_broker() -> None:
    setting = Setting(Reader(failures=TOGETHER + MAX_ATTEMPTS), broker_outages=50)
    await setting.deliver(note("heavy"))
    assert len(setting.dead_letters) == 1


async def test_a_dead_letter_that_is_refused_blocks_nothing() -> None:
    reader = Reader(failures=TOGETHER + MAX_ATTEMPTS)
    setting = Setting(reader)
    setting.publisher.most_bytes = 1
    await setting.deliver(note("heavy"), note("after"))
    assert reader.read == ["after"]
    assert setting.dead_letters == []


async def test_a_dead_letter_that_dies_again_carries_the_newer_notes_only() -> None:
    setting = Setting(Reader(failures=2 * (TOGETHER + MAX_ATTEMPTS)))
    await setting.deliver(note("heavy"))
    [letter] = setting.dead_letters
    again = Message(topic="notes", key=letter.key, value=letter.value, headers=letter.headers)
    setting.broker.topics.clear()
    await setting.deliver(again)
    names = [name for name, _ in setting.dead_letters[1].headers]
    assert len(names) == len(set(names))
