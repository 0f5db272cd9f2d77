"""Bring the database to the newest schema: numbered SQL files, each applied once and in order."""

import asyncio
import logging
from pathlib import Path

from app.adapters.database import Connection, Database
from app.application.broker import Unavailable
from app.application.retry import backoff

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parents[2] / "migrations"
# Held while migrating, so that two instances that start together do not do the same work.
LOCK = 6_817_441


async def migrate(url: str, folder: Path = MIGRATIONS) -> None:
    """Apply the files that the database does not have yet; wait until it answers."""
    attempt = 0
    async with Database(url) as database:
        while True:
            try:
                async with database.own_connection(command_timeout=None) as connection:
                    return await apply_all(connection, folder)
            except Unavailable as error:
                attempt += 1
                logger.warning("waiting for the database", extra={"problem": str(error)})
                await asyncio.sleep(backoff(attempt))


async def apply_all(connection: Connection, folder: Path) -> None:
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    applied = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}
    for file in pending(folder, applied):
        await connection.execute("BEGIN")
        await connection.execute(file.read_text())
        await connection.execute("INSERT INTO migrations (name) VALUES ($1)", file.name)
        await connection.execute("COMMIT")
        logger.info("migrated", extra={"migration": file.name})


def pending(folder: Path, applied: set[str]) -> list[Path]:
    """Give the files still to apply, in the order of their numbers."""
    return [file for file in sorted(folder.glob("*.sql")) if file.name not in applied]
