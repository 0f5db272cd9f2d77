"""Which adapter stands behind which port: the one place that knows both."""

from fastapi import Request

from app.adapters.database import Session
from app.adapters.items import PostgresItems
from app.adapters.transactions import PostgresTransactions
from app.application.events import Outbox
from app.application.ports import Items
from app.application.work import Transactions, Work


def work(session: Session, outbox: Outbox) -> Work:
    return Work(items=PostgresItems(session), outbox=outbox)


def items(request: Request) -> Items:
    return PostgresItems(request.app.state.database)


def transactions(request: Request) -> Transactions:
    state = request.app.state
    return PostgresTransactions(
        state.database, work, state.wake_relay, request.headers.get("traceparent")
    )
