"""The proof at the end of `new --up`: one order through the gateway, followed to its end."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from dsscaffold.errors import DsscaffoldError

#: Demo data that every rendered repository with the pattern orders has.
ORDER: dict[str, object] = {"userId": "u1", "items": [{"sku": "book-1", "quantity": 1}]}
TERMINAL = frozenset({"completed", "failed"})

_POLL_S = 0.02
_RETRY_S = 0.25
# A proxy that the environment names is for the outside world, never for this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class FirstOrder:
    """An order that reached its end: `statuses` in the order of its history, `seconds` from the call to the end."""

    order_id: str
    statuses: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return what `new --up --json` says of it."""
        return {"orderId": self.order_id, "statuses": list(self.statuses), "seconds": round(self.seconds, 3)}


def place_order(gateway: str, on_status: Callable[[str], None], timeout_s: float = 60) -> FirstOrder:
    """Place an order at the gateway's address and call `on_status` with each status that its history gets.

    Raises:
        DsscaffoldError: the gateway refuses the order, or the order does not complete within `timeout_s`.
    """
    started = time.perf_counter()
    ask = partial(_call_patiently, give_up_at=started + timeout_s)
    # With a key an order that was stored and not answered is not placed again.
    order_id = str(ask(f"{gateway}/api/orders", ORDER, {"idempotency-key": str(uuid.uuid4())})["orderId"])
    seen: list[str] = []
    while time.perf_counter() - started < timeout_s:
        history = [str(entry["status"]) for entry in ask(f"{gateway}/api/orders/{order_id}")["history"]]
        for status in history[len(seen) :]:
            on_status(status)
        seen = history
        if seen and seen[-1] in TERMINAL:
            break
        time.sleep(_POLL_S)
    if not seen or seen[-1] != "completed":
        last = seen[-1] if seen else "unknown"
        raise DsscaffoldError(
            f"The first order is {last} after {timeout_s:.0f} s.", "Look into it: dsscaffold status, dsscaffold logs"
        )
    return FirstOrder(order_id, tuple(seen), time.perf_counter() - started)


class _BusyError(DsscaffoldError):
    """The gateway gave no answer, or none yet."""


def _call_patiently(
    url: str, body: dict[str, object] | None = None, headers: dict[str, str] | None = None, *, give_up_at: float
) -> dict[str, Any]:
    """Call again for as long as the gateway is too busy: a machine is that has just started everything."""
    while True:
        try:
            return _call(url, body, headers or {})
        except _BusyError:
            if time.perf_counter() > give_up_at:
                raise
        time.sleep(_RETRY_S)


def _call(url: str, body: dict[str, object] | None, headers: dict[str, str]) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json", **headers})
    try:
        with _OPENER.open(request, timeout=10) as response:
            answer = json.load(response)
    except (OSError, http.client.HTTPException, ValueError) as error:
        final = isinstance(error, urllib.error.HTTPError) and error.code < 500
        kind = DsscaffoldError if final else _BusyError
        raise kind(f"{url} does not answer as it should: {error}.", "dsscaffold logs gateway") from error
    return answer if isinstance(answer, dict) else {}
