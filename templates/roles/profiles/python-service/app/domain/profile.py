"""Users, as the rest of the system may know them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    user_id: str
    name: str
    email: str
    city: str
