"""CloudEvents 1.0 in binary mode: attributes travel in headers, the data is the body."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime


class MissingHeader(Exception):
    """A header without which a message is no CloudEvent."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is said about an event, apart from its data."""

    id: str
    type: str
    source: str
    traceparent: str | None = None

    @classmethod
    def read(cls, headers: Iterable[tuple[str, bytes]]) -> "Envelope":
        """Raise MissingHeader if the message is not a CloudEvent."""
        found = {name.lower(): value.decode(errors="replace") for name, value in headers}
        missing = [name for name in ("ce_id", "ce_type", "ce_source") if not found.get(name)]
        if missing:
            raise MissingHeader(f"no header {', '.join(missing)}")
        return cls(
            id=found["ce_id"],
            type=found["ce_type"],
            source=found["ce_source"],
            traceparent=found.get("traceparent"),
        )


def write_headers(
    envelope: Envelope, time: datetime, extra: Mapping[str, str] | None = None
) -> tuple[tuple[str, bytes], ...]:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": envelope.id,
        "ce_type": envelope.type,
        "ce_source": envelope.source,
        "ce_time": time.isoformat(),
        "content-type": "application/json",
        **(extra or {}),
    }
    return tuple((name, value.encode()) for name, value in headers.items())
