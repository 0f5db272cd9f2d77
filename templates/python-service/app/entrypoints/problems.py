"""Errors over HTTP, as RFC 9457 problem details."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.application.broker import Unavailable


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def install(app: FastAPI) -> None:
    """Answer every error of this app with a problem."""
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(Unavailable, on_unavailable)
    app.add_exception_handler(Exception, on_error)


def problem(
    request: Request, status: int, detail: str, headers: dict[str, str] | None = None
) -> ProblemResponse:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    return ProblemResponse(body, status, headers)


async def on_http_exception(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    return problem(request, error.status_code, error.detail, dict(error.headers or {}))


async def on_invalid_request(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    reasons = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(reasons))


async def on_unavailable(request: Request, error: Exception) -> ProblemResponse:
    return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "1"})


async def on_error(request: Request, _error: Exception) -> ProblemResponse:
    # Starlette raises the error again after this answer, so the server logs it.
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error occurred")
