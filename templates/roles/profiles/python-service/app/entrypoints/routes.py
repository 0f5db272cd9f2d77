"""The HTTP interface of this service."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException

from app.application.ports import Profiles
from app.entrypoints.views import View
from app.wiring import profiles

router = APIRouter(prefix="/profiles", tags=["profiles"])

ProfilesPort = Annotated[Profiles, Depends(profiles)]


class ProfileView(View):
    user_id: str
    name: str
    email: str
    city: str


@router.get("/{user_id}")
async def get_profile(user_id: str, profiles: ProfilesPort) -> ProfileView:
    profile = await profiles.get(user_id)
    if profile is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no profile {user_id}")
    return ProfileView.model_validate(profile)
