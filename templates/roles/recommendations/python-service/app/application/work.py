"""What the handler of one message may change."""

from dataclasses import dataclass

from app.application.events import Outbox
from app.application.ports import Purchases


@dataclass(frozen=True, slots=True)
class Work:
    """The ports of one transaction: what is done through them is committed together, or not."""

    purchases: Purchases
    outbox: Outbox
