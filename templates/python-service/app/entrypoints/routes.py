"""The HTTP interface of this service."""

from fastapi import APIRouter

router = APIRouter()
