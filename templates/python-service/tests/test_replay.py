from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

import app.replay as tool
from app.application.broker import Message, Received, Unavailable
from app.application.dead_letters import DeadLetter
from app.application.replay import Replayed, replay
from tests.fakes import FakeBroker, message, received

WHEN = datetime.now(UTC)


class FakeDeadLetters:
    """Letters in batches of two, and how many of them are settled."""

    def __init__(self, *letters: Message) -> None:
        self.letters = [received(letter, offset) for offset, letter in enumerate(letters)]
        self.settled = 0

    async def waiting(self) -> AsyncIterator[Sequence[Received]]:
        for start in range(self.settled, len(self.letters), 2):
            yield self.letters[start : start + 2]

    async def settle(self, letters: Sequence[Received]) -> None:
        self.settled = letters[-1].offset + 1


def letter(text: str, *, group: str = "readers", offset: int = 0, **more: str) -> Message:
    """Make a dead letter as a dispatcher does; `more` are further headers."""
    original = message("notes.dlq", "note.written", text, id=f"id-{text}")
    notes = {
        "dlq-reason": "ArithmeticError: too heavy",
        "dlq-group": group,
        "dlq-topic": "notes",
        "dlq-partition": "0",
        "dlq-offset": str(offset),
        **{name.replace("_", "-") if name.startswith("dlq") else name: more[name] for name in more},
    }
    headers = tuple((name, value.encode()) for name, value in notes.items())
    return Message(
        topic="notes.dlq", key=b"k", value=original.value, headers=original.headers + headers
    )


async def test_a_message_is_put_back_as_it_was_with_a_count() -> None:
    broker, letters = FakeBroker(), FakeDeadLetters(letter("one"))
    [done] = await replay("notes", letters, broker)
    [back] = broker.topics["notes"]
    assert (back.key, back.value) == (b"k", b"one")
    assert back.headers == (
        ("ce_id", b"id-one"),
        ("ce_type", b"note.written"),
        ("ce_source", b"/test"),
        ("dlq-replays", b"1"),
    )
    assert done.to_json() == {
        "key": "k",
        "type": "note.written",
        "id": "id-one",
        "reason": "ArithmeticError: too heavy",
        "group": "readers",
        "time": None,
        "replays": 0,
        "outcome": "put back",
    }


async def test_a_second_replay_puts_nothing_back() -> None:
    broker = FakeBroker()
    letters = FakeDeadLetters(*(letter(str(n), offset=n) for n in range(5)))
    assert len(await replay("notes", letters, broker)) == 5
    assert await replay("notes", letters, broker) == []
    assert [back.value for back in broker.topics["notes"]] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_dry_run_changes_nothing() -> None:
    broker, letters = FakeBroker(), FakeDeadLetters(letter("one"))
    assert len(await replay("notes", letters, broker, dry_run=True)) == 1
    assert (broker.topics, letters.settled) == ({}, 0)


async def test_what_the_broker_did_not_take_still_waits() -> None:
    broker, letters = FakeBroker(outages=1), FakeDeadLetters(letter("one"))
    with pytest.raises(Unavailable):
        await replay("notes", letters, broker)
    assert letters.settled == 0


async def test_a_message_that_several_groups_gave_up_is_put_back_once() -> None:
    broker = FakeBroker()
    groups = ("readers", "writers", "listeners")
    letters = FakeDeadLetters(*(letter("one", group=group) for group in groups))
    outcomes = [done.outcome for done in await replay("notes", letters, broker)]
    assert outcomes == ["put back", "copy", "copy"]
    assert len(broker.topics["notes"]) == 1


async def test_what_lies_there_without_notes_is_put_back_too() -> None:
    broker = FakeBroker()
    bare = Message(topic="notes.dlq", key=None, value=None)
    letters = FakeDeadLetters(bare, bare)
    assert len(await replay("notes", letters, broker)) == 2
    assert [back.key for back in broker.topics["notes"]] == [None, None]


async def test_the_count_goes_on() -> None:
    broker = FakeBroker()
    await replay("notes", FakeDeadLetters(letter("one", dlq_replays="2")), broker)
    assert dict(broker.topics["notes"][0].headers)["dlq-replays"] == b"3"


async def test_a_message_that_fills_the_limit_does_not_grow() -> None:
    broker = FakeBroker()
    await replay("notes", FakeDeadLetters(letter("x" * 1_000_000)), broker)
    assert "dlq-replays" not in dict(broker.topics["notes"][0].headers)


@pytest.mark.parametrize(
    ("time", "outcome"),
    [
        ((WHEN - timedelta(days=20)).isoformat(), "put back"),
        ((WHEN - timedelta(days=22)).isoformat(), "too old"),
        ((WHEN - timedelta(days=22)).replace(tzinfo=None).isoformat(), "too old"),
        ("yesterday", "put back"),
    ],
)
async def test_an_event_that_a_consumer_may_have_forgotten_is_left(time: str, outcome: str) -> None:
    broker, letters = FakeBroker(), FakeDeadLetters(letter("one", ce_time=time))
    [done] = await replay("notes", letters, broker)
    assert done.outcome == outcome
    assert len(broker.topics["notes"]) == (outcome == "put back")


def test_without_the_settings_of_the_service_the_tool_says_who_has_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BROKER_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["replay", "notes"])
    with pytest.raises(SystemExit, match="1"):
        tool.main()
    assert "make replay" in capsys.readouterr().err


def test_one_message_is_no_plural(capsys: pytest.CaptureFixture[str]) -> None:
    done = [Replayed(DeadLetter(received(letter("one"), 0)), "put back")]
    tool.show_text("notes", done, dry_run=False)
    assert capsys.readouterr().out.splitlines()[-1] == "1 message put back on notes."
