"""From the contract's example of order.completed to what is recommended."""

from pathlib import Path

from fastapi.testclient import TestClient

from app.application.work import Work
from app.entrypoints.consumers import SUBSCRIPTIONS
from app.entrypoints.dispatcher import Dispatcher
from app.main import create_app
from app.wiring import purchases
from tests.fakes import FakeBroker, FakeInbox, FakeOutbox, message
from tests.purchase_fakes import FakePurchases
from tests.test_app import ALONE

EXAMPLES = Path(__file__).parents[3] / "contracts" / "events" / "examples"


async def learned(*ids: str) -> FakePurchases:
    """Deliver the example as often as there are ids."""
    stored, broker = FakePurchases(), FakeBroker()
    inbox = FakeInbox(Work(purchases=stored, outbox=FakeOutbox()))
    example = (EXAMPLES / "order.completed.json").read_text()
    await broker.publish([message("orders", "order.completed", example, id=id) for id in ids])
    await broker.deliver("orders", Dispatcher(SUBSCRIPTIONS, inbox, broker, "recommendations"))
    assert broker.topics["orders.dlq"] == []
    return stored


def recommended(stored: FakePurchases, user_id: str) -> list[dict[str, object]]:
    app = create_app(ALONE)
    app.dependency_overrides[purchases] = lambda: stored
    answer = TestClient(app).get(f"/recommendations/{user_id}")
    assert answer.status_code == 200
    found: list[dict[str, object]] = answer.json()
    return found


async def test_recommends_what_others_have_bought() -> None:
    stored = await learned("1")
    assert recommended(stored, "somebody") == [
        {"sku": "book-1", "score": 2},
        {"sku": "book-2", "score": 1},
    ]


async def test_counts_an_order_once_however_often_it_is_announced() -> None:
    stored = await learned("1", "1", "2")
    assert recommended(stored, "somebody")[0] == {"sku": "book-1", "score": 4}


async def test_recommends_nothing_when_nothing_was_sold() -> None:
    assert recommended(await learned(), "somebody") == []
