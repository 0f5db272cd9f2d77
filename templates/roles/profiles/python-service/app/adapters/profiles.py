"""Profiles in Postgres."""

from app.adapters.database import Session
from app.domain.profile import Profile


class PostgresProfiles:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, user_id: str) -> Profile | None:
        row = await self._session.fetchrow(
            "SELECT user_id, name, email, city FROM profiles WHERE user_id = $1", user_id
        )
        return None if row is None else Profile(**row)
