"""Build the service. Importing this module connects to nothing; starting the app does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.adapters.database import Database
from app.entrypoints import health, problems, routes
from app.messaging import run_messaging
from app.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            Database(settings.database_url) as database,
            run_messaging(settings, database) as messaging,
        ):
            app.state.database = database
            app.state.wake_relay = messaging.wake_relay
            app.state.checks = {"database": database.health, **messaging.checks}
            yield

    app = FastAPI(title=settings.service_name, lifespan=lifespan)
    problems.install(app)
    app.include_router(health.router)
    app.include_router(routes.router)
    return app
