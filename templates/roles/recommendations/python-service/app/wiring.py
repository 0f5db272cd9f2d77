"""Which adapter stands behind which port: the one place that knows both."""

from fastapi import Request

from app.adapters.database import Session
from app.adapters.purchases import PostgresPurchases
from app.application.events import Outbox
from app.application.ports import Purchases
from app.application.work import Work


def work(session: Session, outbox: Outbox) -> Work:
    return Work(purchases=PostgresPurchases(session), outbox=outbox)


def purchases(request: Request) -> Purchases:
    return PostgresPurchases(request.app.state.database)
