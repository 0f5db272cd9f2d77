"""What a part of this service says when it is asked how it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Health:
    ok: bool
    detail: Mapping[str, object] = field(default_factory=dict)
