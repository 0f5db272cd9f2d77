"""The HTTP interface of this service."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query

from app.application.ports import Orders
from app.domain.order import Item, Status
from app.entrypoints.views import View
from app.wiring import orders

router = APIRouter(prefix="/orders", tags=["orders"])

OrdersPort = Annotated[Orders, Depends(orders)]


class OrderView(View):
    order_id: UUID
    user_id: str
    items: tuple[Item, ...]
    status: Status
    reason: str | None
    created_at: datetime


@router.get("", response_model_exclude_none=True)
async def list_orders(
    orders: OrdersPort,
    user_id: Annotated[str | None, Query(alias="userId")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[OrderView]:
    return [OrderView.model_validate(order) for order in await orders.latest(user_id, limit)]


@router.get("/{order_id}", response_model_exclude_none=True)
async def get_order(order_id: UUID, orders: OrdersPort) -> OrderView:
    order = await orders.get(order_id)
    if order is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no order {order_id}")
    return OrderView.model_validate(order)
