"""Recommendations: what others buy, and what the user does not have yet comes first."""

from collections.abc import Iterable
from dataclasses import dataclass

LENGTH = 10


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    quantity: int

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("quantity must be at least 1")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that has been sold: how often, and whether to this user too."""

    sku: str
    sold: int
    owned: bool


@dataclass(frozen=True, slots=True)
class Recommendation:
    sku: str
    score: int


def recommend(candidates: Iterable[Candidate], length: int = LENGTH) -> list[Recommendation]:
    """Rank what was sold: first what the user does not own, within that the most popular."""
    ranked = sorted(candidates, key=lambda c: (c.owned, -c.sold, c.sku))
    return [Recommendation(c.sku, c.sold) for c in ranked[:length]]
