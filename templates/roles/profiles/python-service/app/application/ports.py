"""What the application needs from the outside."""

from typing import Protocol

from app.domain.profile import Profile


class Profiles(Protocol):
    async def get(self, user_id: str) -> Profile | None: ...
