"""Purchases in Postgres."""

from collections.abc import Sequence

from app.adapters.database import Session
from app.domain.recommendation import Candidate, Item

MAX_CANDIDATES = 100


class PostgresPurchases:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, user_id: str, items: Sequence[Item]) -> None:
        # One order may name a sku twice. Sorted, so that two orders never lock rows crosswise.
        await self._session.execute(
            """
            INSERT INTO purchases (user_id, sku, quantity)
            SELECT $1, sku, sum(quantity)
            FROM unnest($2::text[], $3::int[]) AS item (sku, quantity)
            GROUP BY sku
            ORDER BY sku
            ON CONFLICT (user_id, sku)
            DO UPDATE SET quantity = purchases.quantity + excluded.quantity
            """,
            user_id,
            [item.sku for item in items],
            [item.quantity for item in items],
        )

    async def candidates(self, user_id: str) -> list[Candidate]:
        rows = await self._session.fetch(
            """
            SELECT sku, sum(quantity)::bigint AS sold, bool_or(user_id = $1) AS owned
            FROM purchases
            GROUP BY sku
            ORDER BY sold DESC
            LIMIT $2
            """,
            user_id,
            MAX_CANDIDATES,
        )
        return [Candidate(**row) for row in rows]
