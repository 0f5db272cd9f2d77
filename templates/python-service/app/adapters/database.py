"""Postgres: a pool of connections, transactions, and one error for "it does not answer"."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Protocol, TypeAlias

import asyncpg

from app.application.broker import Unavailable
from app.application.health import Health

CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 10.0
CLOSE_TIMEOUT = 2.0
MAX_CONNECTIONS = 10
# How the server finds out that the host of a client is gone: after 25 s, not after hours, in which
# nobody else would get the locks of the dead.
SERVER_SETTINGS = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25s",
}

# The server is there but cannot work now, or asks for the same transaction again.
TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
# Nothing is wrong with a statement yet: also a missing role or database may still be made.
CONNECTING = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

AsyncpgConnection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)


@contextmanager
def translated(errors: tuple[type[Exception], ...] = CONNECTING) -> Iterator[None]:
    """Raise Unavailable in the place of errors that say that the database does not answer."""
    try:
        yield
    except errors as error:
        raise Unavailable(f"database: {str(error) or type(error).__name__}") from error


class Session(Protocol):
    """Where a repository runs its statements: in a transaction, or each on its own."""

    async def execute(self, query: str, *args: object) -> str: ...
    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]: ...
    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...


class Connection:
    """One connection as a Session."""

    def __init__(self, connection: AsyncpgConnection) -> None:
        self._connection = connection

    async def execute(self, query: str, *args: object) -> str:
        with self._translated():
            return await self._connection.execute(query, *args)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        with self._translated():
            return await self._connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        with self._translated():
            return await self._connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        with self._translated():
            return await self._connection.fetchval(query, *args)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with translated(TRANSIENT):
                yield
        except asyncpg.InterfaceError as error:
            # Also raised for a wrong use of the driver, which no retry would cure.
            if not self._connection.is_closed():
                raise
            raise Unavailable(f"database: {error}") from error


class Database:
    """The service's own database. As a Session it runs each statement on its own.

    Connections are made when they are needed, so a database that is down at the start, or goes away
    later, is used as soon as it is back.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> "Database":
        self._pool = asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=MAX_CONNECTIONS,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings=SERVER_SETTINGS,
            reset=leave_as_is,
        )
        await self._pool
        return self

    async def __aexit__(self, *_error: object) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), CLOSE_TIMEOUT)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection of the pool."""
        with translated():
            connection = await self._pool.acquire(timeout=CONNECT_TIMEOUT)
        try:
            yield Connection(connection)
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def own_connection(
        self, command_timeout: float | None = COMMAND_TIMEOUT
    ) -> AsyncIterator[Connection]:
        """Open a connection outside the pool; locks that are taken on it end with it."""
        with translated():
            connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_TIMEOUT,
                command_timeout=command_timeout,
                server_settings=SERVER_SETTINGS,
            )
        try:
            yield Connection(connection)
        finally:
            connection.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Commit when the block ends well; undo what it did when it raises."""
        async with self.connection() as connection:
            await connection.execute("BEGIN")
            try:
                yield connection
                outcome = await connection.execute("COMMIT")
            except BaseException:
                with suppress(Unavailable):  # a lost connection is rolled back by the server
                    await connection.execute("ROLLBACK")
                raise
            if outcome != "COMMIT":
                raise RuntimeError("nothing is stored: the error of a statement was ignored")

    async def execute(self, query: str, *args: object) -> str:
        async with self.connection() as connection:
            return await connection.execute(query, *args)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        async with self.connection() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        async with self.connection() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        async with self.connection() as connection:
            return await connection.fetchval(query, *args)

    async def health(self) -> Health:
        try:
            await self.fetchval("SELECT 1")
        except Unavailable as error:
            return Health(ok=False, detail={"reason": str(error)})
        return Health(ok=True)


async def leave_as_is(_connection: object) -> None:
    """Spare a statement each time: nothing that is set on a connection outlives its transaction."""
