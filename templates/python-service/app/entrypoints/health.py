"""Health over HTTP: alive means that the process answers, ready that what it needs does too."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from app.application.health import Health

Check = Callable[[], Awaitable[Health]]

CHECK_TIMEOUT = 2.0

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request, response: Response) -> dict[str, object]:
    checks: Mapping[str, Check] = request.app.state.checks
    answers = await asyncio.gather(*(ask(check) for check in checks.values()))
    ok = all(answer.ok for answer in answers)
    if not ok:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return {
        "status": word(ok),
        "checks": {
            name: {"status": word(answer.ok), **answer.detail}
            for name, answer in zip(checks, answers, strict=True)
        },
    }


async def ask(check: Check) -> Health:
    """Ask one part how it is; no answer in time is an answer too."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            return await check()
    except TimeoutError:
        return Health(ok=False, detail={"reason": "no answer"})


def word(ok: bool) -> str:
    return "ok" if ok else "unavailable"
