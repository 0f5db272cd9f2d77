"""The HTTP interface of this service."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from app.application.create_item import create_item
from app.application.ports import Items
from app.application.work import Transactions
from app.domain.item import MAX_DESCRIPTION, MAX_NAME, Item
from app.entrypoints.views import View
from app.wiring import items, transactions

router = APIRouter(prefix="/items", tags=["items"])

ItemsPort = Annotated[Items, Depends(items)]
TransactionsPort = Annotated[Transactions, Depends(transactions)]

# Postgres stores every character but this one.
NO_NUL = r"^[^\x00]*$"


class ItemBody(BaseModel):
    """What a client sends. A field that is not known is an error: it may be a misspelt one."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME, pattern=NO_NUL),
    ]
    description: Annotated[str, StringConstraints(max_length=MAX_DESCRIPTION, pattern=NO_NUL)] = ""


class ItemView(View):
    id: UUID
    name: str
    description: str
    created_at: datetime
    processed_at: datetime | None


@router.get("")
async def list_items(
    items: ItemsPort,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[UUID | None, Query(description="The last id of the page before")] = None,
) -> list[ItemView]:
    return [ItemView.model_validate(item) for item in await items.page(after, limit)]


@router.post("", status_code=HTTPStatus.CREATED)
async def post_item(body: ItemBody, transactions: TransactionsPort, response: Response) -> ItemView:
    async with transactions.begin() as work:
        item = await create_item(body.name, body.description, work)
    response.headers["Location"] = f"{router.prefix}/{item.id}"
    return ItemView.model_validate(item)


@router.get("/{item_id}")
async def get_item(item_id: UUID, items: ItemsPort) -> ItemView:
    return found(await items.get(item_id), item_id)


@router.put("/{item_id}")
async def put_item(item_id: UUID, body: ItemBody, items: ItemsPort) -> ItemView:
    return found(await items.change(item_id, body.name, body.description), item_id)


@router.delete("/{item_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_item(item_id: UUID, items: ItemsPort) -> None:
    if not await items.remove(item_id):
        raise no_such(item_id)


def found(item: Item | None, item_id: UUID) -> ItemView:
    if item is None:
        raise no_such(item_id)
    return ItemView.model_validate(item)


def no_such(item_id: UUID) -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, f"no item {item_id}")
