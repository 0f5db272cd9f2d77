from datetime import UTC, datetime

import pytest

from app.application.cloudevents import Envelope, MissingHeader, write_headers

ENVELOPE = Envelope(id="1", type="note.written", source="/notes")
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_what_is_written_can_be_read() -> None:
    headers = write_headers(ENVELOPE, TIME, {"traceparent": "00-a-b-01"})
    assert Envelope.read(headers) == Envelope(
        id="1", type="note.written", source="/notes", traceparent="00-a-b-01"
    )


def test_writes_the_attributes_that_the_specification_wants() -> None:
    assert dict(write_headers(ENVELOPE, TIME)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"1",
        "ce_type": b"note.written",
        "ce_source": b"/notes",
        "ce_time": b"2026-01-02T03:04:05+00:00",
        "content-type": b"application/json",
    }


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source"])
def test_a_message_without_a_needed_header_is_no_event(name: str) -> None:
    headers = [header for header in write_headers(ENVELOPE, TIME) if header[0] != name]
    with pytest.raises(MissingHeader, match=name):
        Envelope.read(headers)


def test_header_names_are_read_in_any_case_and_bytes_that_are_no_text_do_no_harm() -> None:
    headers = [("CE_ID", b"1"), ("Ce_Type", b"t"), ("ce_source", b"/s"), ("x", b"\xff")]
    assert Envelope.read(headers).id == "1"
