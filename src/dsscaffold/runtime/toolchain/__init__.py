"""What a repository needs and the machine may lack: Node.js, Java, Postgres and Kafka, fetched once a machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from dsscaffold.runtime.toolchain.java import Java, find_java
from dsscaffold.runtime.toolchain.kafka import Kafka, find_kafka
from dsscaffold.runtime.toolchain.node import Node, find_node
from dsscaffold.runtime.toolchain.postgres import Postgres, find_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from dsscaffold.runtime.toolchain.cache import Cache

__all__ = ["Java", "Kafka", "Node", "Postgres", "Toolchain"]

_Tool = TypeVar("_Tool")


class Toolchain:
    """Give every tool to all who ask, looking for each only once; those asked for together are fetched in parallel."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._found: dict[str, asyncio.Task[object]] = {}

    async def node(self) -> Node:
        """Return Node.js and npm."""
        return await self._once("node", lambda: find_node(self._cache))

    async def java(self) -> Java:
        """Return a Java runtime."""
        return await self._once("java", lambda: find_java(self._cache))

    async def postgres(self) -> Postgres:
        """Return the programs of Postgres."""
        return await self._once("postgres", lambda: find_postgres(self._cache))

    async def kafka(self) -> Kafka:
        """Return the jars of Kafka."""
        return await self._once("kafka", lambda: find_kafka(self._cache))

    def has(self, name: str) -> bool:
        """Tell whether a tool was asked for and found."""
        task = self._found.get(name)
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    async def _once(self, name: str, find: Callable[[], Coroutine[object, object, _Tool]]) -> _Tool:
        if name not in self._found:
            self._found[name] = asyncio.ensure_future(find())
        return await self._found[name]  # type: ignore[return-value]
