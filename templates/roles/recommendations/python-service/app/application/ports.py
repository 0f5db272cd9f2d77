"""What the application needs from the outside."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.recommendation import Candidate, Item


class Purchases(Protocol):
    async def add(self, user_id: str, items: Sequence[Item]) -> None:
        """Count what a user has bought."""

    async def candidates(self, user_id: str) -> list[Candidate]:
        """Give what sells best, as it looks to this user."""
