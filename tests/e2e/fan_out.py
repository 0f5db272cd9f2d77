"""Callers of the user's page, which remember what they were answered and how long it took."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import httpx

from ..patience import PATIENCE_S
from .stack import Stack


@dataclass
class FanOut:
    """The statuses of all answers, and which parts were missing how often; no answer at all is not counted."""

    stack: Stack
    statuses: Counter[int] = field(default_factory=Counter)
    degraded: Counter[str] = field(default_factory=Counter)

    async def call(self, client: httpx.AsyncClient) -> httpx.Response | None:
        try:
            answer = await client.get("/api/users/u1")
        except httpx.TransportError:
            return None
        self.statuses[answer.status_code] += 1
        self.degraded.update(answer.json().get("degraded", ()))
        return answer

    async def until(self, over: asyncio.Event, users: int = 2) -> None:
        """Call about five times a second each."""
        async with httpx.AsyncClient(base_url=self.stack.gateway, timeout=PATIENCE_S, trust_env=False) as client:

            async def user() -> None:
                while not over.is_set():
                    await self.call(client)
                    await asyncio.sleep(0.2)

            await asyncio.gather(*(user() for _ in range(users)))

    def times(self, count: int) -> FanOut:
        """Call one after the other, `count` times."""

        async def calls() -> None:
            async with httpx.AsyncClient(base_url=self.stack.gateway, timeout=PATIENCE_S, trust_env=False) as client:
                for _ in range(count):
                    await self.call(client)

        asyncio.run(calls())
        return self
