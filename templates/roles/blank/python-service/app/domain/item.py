"""Items: the things that this service keeps."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

MAX_NAME = 100
MAX_DESCRIPTION = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    id: UUID
    name: str
    description: str
    created_at: datetime
    # None until the work that follows the creation is done.
    processed_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME:
            raise ValueError(f"a name has 1 to {MAX_NAME} characters, not all of them spaces")
        if len(self.description) > MAX_DESCRIPTION:
            raise ValueError(f"a description has at most {MAX_DESCRIPTION} characters")
