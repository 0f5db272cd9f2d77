"""Run the service: bring the database up to date, then serve until SIGTERM."""

import asyncio
import signal
import sys
from types import FrameType

import uvicorn

from app import logs
from app.adapters.migrations import migrate
from app.main import create_app
from app.settings import Settings

DRAIN_SECONDS = 5


def main() -> None:
    settings = Settings()
    logs.configure(settings.service_name, settings.log_level)
    # Also the way out after uvicorn has drained: it raises the signal again for the one who asked.
    signal.signal(signal.SIGTERM, leave)
    asyncio.run(migrate(settings.database_url))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
