"""Which adapter stands behind which port: the one place that knows both."""

from fastapi import Request

from app.adapters.database import Session
from app.adapters.profiles import PostgresProfiles
from app.application.events import Outbox
from app.application.ports import Profiles
from app.application.work import Work


def work(_session: Session, outbox: Outbox) -> Work:
    return Work(outbox=outbox)


def profiles(request: Request) -> Profiles:
    return PostgresProfiles(request.app.state.database)
