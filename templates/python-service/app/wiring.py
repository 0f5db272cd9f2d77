"""Which adapter stands behind which port: the one place that knows both."""

from app.adapters.database import Session
from app.application.events import Outbox
from app.application.work import Work


def work(_session: Session, outbox: Outbox) -> Work:
    return Work(outbox=outbox)
