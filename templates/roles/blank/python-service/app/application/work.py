"""What one transaction may change."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from app.application.events import Outbox
from app.application.ports import Items


@dataclass(frozen=True, slots=True)
class Work:
    """The ports of one transaction: what is done through them is committed together, or not."""

    items: Items
    outbox: Outbox


class Transactions(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Work]:
        """Commit when the block ends well; undo what it did when it raises."""
