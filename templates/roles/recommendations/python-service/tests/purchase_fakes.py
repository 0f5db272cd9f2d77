from collections import Counter, defaultdict
from collections.abc import Sequence

from app.domain.recommendation import Candidate, Item


class FakePurchases:
    def __init__(self) -> None:
        self._bought: defaultdict[str, Counter[str]] = defaultdict(Counter)

    async def add(self, user_id: str, items: Sequence[Item]) -> None:
        for item in items:
            self._bought[user_id][item.sku] += item.quantity

    async def candidates(self, user_id: str) -> list[Candidate]:
        sold: Counter[str] = sum(self._bought.values(), Counter())
        return [Candidate(sku, count, sku in self._bought[user_id]) for sku, count in sold.items()]
