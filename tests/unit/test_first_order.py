"""The order at the end of `new --up`: a gateway that is busy is asked again, one that refuses is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dsscaffold.commands.first_order import place_order
from dsscaffold.errors import DsscaffoldError


class Gateway:
    """Answers with these statuses, and with the usual ones once they are used up."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.keys: list[str | None] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                gateway.keys.append(self.headers["idempotency-key"])
                self.rfile.read(int(self.headers["content-length"]))
                self._answer({"orderId": "1"})

            def do_GET(self) -> None:
                steps = ("pending", "processing", "completed")
                self._answer({"history": [{"status": status} for status in steps]})

            def _answer(self, body: object) -> None:
                self.send_response(gateway.statuses.pop(0) if gateway.statuses else 200)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    thread = threading.Thread(target=gateway.server.serve_forever, args=(0.02,))
    thread.start()
    yield gateway
    gateway.server.shutdown()
    thread.join()
    gateway.server.server_close()


def test_a_gateway_that_is_busy_for_a_moment_gets_one_order(gateway: Gateway) -> None:
    gateway.statuses = [503, 200, 503]
    told: list[str] = []
    order = place_order(gateway.url, told.append)
    assert order.statuses == ("pending", "processing", "completed") == tuple(told)
    assert len(gateway.keys) == 2
    assert len(set(gateway.keys)) == 1, "the second call is for the same order"


def test_one_that_stays_busy_is_given_up(gateway: Gateway) -> None:
    gateway.statuses = [503] * 100
    with pytest.raises(DsscaffoldError, match="503"):
        place_order(gateway.url, lambda _: None, timeout_s=0.5)


def test_one_that_refuses_is_not_asked_again(gateway: Gateway) -> None:
    gateway.statuses = [400]
    with pytest.raises(DsscaffoldError, match="400"):
        place_order(gateway.url, lambda _: None)
    assert len(gateway.keys) == 1
