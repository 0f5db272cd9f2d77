"""Items in Postgres."""

from datetime import datetime
from uuid import UUID

from app.adapters.database import Session
from app.domain.item import Item

BEFORE_ALL = UUID(int=0)


class PostgresItems:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, item: Item) -> None:
        await self._session.execute(
            "INSERT INTO items (id, name, description, created_at) VALUES ($1, $2, $3, $4)",
            item.id,
            item.name,
            item.description,
            item.created_at,
        )

    async def get(self, item_id: UUID) -> Item | None:
        row = await self._session.fetchrow("SELECT * FROM items WHERE id = $1", item_id)
        return None if row is None else Item(**row)

    async def page(self, after: UUID | None, limit: int) -> list[Item]:
        rows = await self._session.fetch(
            "SELECT * FROM items WHERE id > $1 ORDER BY id LIMIT $2", after or BEFORE_ALL, limit
        )
        return [Item(**row) for row in rows]

    async def change(self, item_id: UUID, name: str, description: str) -> Item | None:
        row = await self._session.fetchrow(
            "UPDATE items SET name = $2, description = $3 WHERE id = $1 RETURNING *",
            item_id,
            name,
            description,
        )
        return None if row is None else Item(**row)

    async def mark_processed(self, item_id: UUID, at: datetime) -> None:
        await self._session.execute("UPDATE items SET processed_at = $2 WHERE id = $1", item_id, at)

    async def remove(self, item_id: UUID) -> bool:
        removed = await self._session.fetchval(
            "DELETE FROM items WHERE id = $1 RETURNING true", item_id
        )
        return bool(removed)
