"""The HTTP interface of this service."""

from typing import Annotated

from fastapi import APIRouter, Depends

from app.application.ports import Purchases
from app.domain.recommendation import recommend
from app.entrypoints.views import View
from app.wiring import purchases

router = APIRouter(prefix="/recommendations", tags=["recommendations"])

PurchasesPort = Annotated[Purchases, Depends(purchases)]


class RecommendationView(View):
    sku: str
    score: int


@router.get("/{user_id}")
async def get_recommendations(user_id: str, purchases: PurchasesPort) -> list[RecommendationView]:
    found = recommend(await purchases.candidates(user_id))
    return [RecommendationView.model_validate(recommendation) for recommendation in found]
