"""Orders in Postgres."""

import json
from dataclasses import asdict
from uuid import UUID

import asyncpg

from app.adapters.database import Session
from app.domain.order import Item, Order, ShipTo, Status


class PostgresOrders:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, order: Order) -> bool:
        added = await self._session.fetchval(
            """
            INSERT INTO orders (order_id, user_id, items, ship_to, status)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            RETURNING true
            """,
            order.order_id,
            order.user_id,
            json.dumps([asdict(item) for item in order.items]),
            json.dumps(asdict(order.ship_to)) if order.ship_to else None,
            order.status,
        )
        return bool(added)

    async def finish(self, order: Order) -> bool:
        finished = await self._session.fetchval(
            """
            UPDATE orders SET status = $2, reason = $3, updated_at = now()
            WHERE order_id = $1 AND status = 'processing'
            RETURNING true
            """,
            order.order_id,
            order.status,
            order.reason,
        )
        return bool(finished)

    async def get(self, order_id: UUID) -> Order | None:
        row = await self._session.fetchrow("SELECT * FROM orders WHERE order_id = $1", order_id)
        return None if row is None else _order(row)

    async def latest(self, user_id: str | None, limit: int) -> list[Order]:
        if user_id is None:
            rows = await self._session.fetch(
                "SELECT * FROM orders ORDER BY created_at DESC LIMIT $1", limit
            )
        else:
            rows = await self._session.fetch(
                "SELECT * FROM orders WHERE user_id = $1 ORDER BY created_at DESC LIMIT $2",
                user_id,
                limit,
            )
        return [_order(row) for row in rows]


def _order(row: asyncpg.Record) -> Order:
    return Order(
        order_id=row["order_id"],
        user_id=row["user_id"],
        items=tuple(Item(**item) for item in json.loads(row["items"])),
        ship_to=ShipTo(**json.loads(row["ship_to"])) if row["ship_to"] else None,
        status=Status(row["status"]),
        reason=row["reason"],
        created_at=row["created_at"],
    )
