"""Which adapter stands behind which port: the one place that knows both."""

from fastapi import Request

from app.adapters.database import Session
from app.adapters.orders import PostgresOrders
from app.application.events import Outbox
from app.application.ports import Orders
from app.application.work import Work


def work(session: Session, outbox: Outbox) -> Work:
    return Work(orders=PostgresOrders(session), outbox=outbox)


def orders(request: Request) -> Orders:
    return PostgresOrders(request.app.state.database)
