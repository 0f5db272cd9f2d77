from uuid import uuid4

import pytest

from app.domain.order import Item, Order, ShipTo, Status


def order(user_id: str = "u1", sku: str = "book-1", city: str | None = None) -> Order:
    ship_to = None if city is None else ShipTo(city)
    return Order(uuid4(), user_id, (Item("book-2", 1), Item(sku, 2)), ship_to)


def test_an_order_with_nothing_against_it_completes() -> None:
    decided = order(city="Lisbon").decide()
    assert decided.status is Status.COMPLETED
    assert decided.reason is None


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (order(sku="out-of-stock"), "out of stock: out-of-stock"),
        (order(user_id="no-funds"), "payment refused: no-funds"),
        (order(city="nowhere"), "cannot ship to: nowhere"),
    ],
)
def test_an_order_fails_for_a_reason(refused: Order, reason: str) -> None:
    decided = refused.decide()
    assert decided.status is Status.FAILED
    assert decided.reason == reason


@pytest.mark.parametrize("quantity", [0, -1, 1001])
def test_a_quantity_out_of_bounds_is_no_item(quantity: int) -> None:
    with pytest.raises(ValueError, match="quantity"):
        Item("book-1", quantity)
