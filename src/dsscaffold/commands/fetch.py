"""`dsscaffold fetch`: have everything on this machine that `up` needs, so that it needs no network."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from dsscaffold.runtime.local.prefetch import prefetch

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.events import OnEvent
    from dsscaffold.runtime.results import FetchResult


def run_fetch(repo: Path | None, *, on_event: OnEvent) -> FetchResult:
    """Fetch the tools that a repository needs and the packages of its services; without one, all tools.

    Raises:
        FetchError: something could not be had. What was fetched before stays.
    """
    return asyncio.run(prefetch(repo, os.environ, on_event))
