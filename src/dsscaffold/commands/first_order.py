"""The proof at the end of `new --up`: one order through the gateway, followed to its end."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dsscaffold.errors import DsscaffoldError

#: Demo data that every rendered repository with the pattern orders has.
ORDER: dict[str, object] = {"userId": "u1", "items": [{"sku": "book-1", "quantity": 1}]}
TERMINAL = frozenset({"completed", "failed"})

_POLL_S = 0.02
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
    order_id = str(_call(f"{gateway}/api/orders", ORDER)["orderId"])
    seen: list[str] = []
    while time.perf_counter() - started < timeout_s:
        history = [str(entry["status"]) for entry in _call(f"{gateway}/api/orders/{order_id}")["history"]]
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


def _call(url: str, body: dict[str, object] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    try:
        with _OPENER.open(request, timeout=10) as response:
            answer = json.load(response)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DsscaffoldError(f"{url} does not answer as it should: {error}.", "dsscaffold logs gateway") from error
    return answer if isinstance(answer, dict) else {}
