"""A service that answers, or for a while does not, in the place of a real one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SlowUpstream:
    """Answers every GET with the same JSON: at once, or where it was told to `hang`, not before it is to `answer`."""

    def __init__(self, body: bytes) -> None:
        #: How often it was asked.
        self.asked = 0
        self._body = body
        self._answers = threading.Event()
        self._answers.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def hang(self) -> None:
        self._answers.clear()

    def answer(self) -> None:
        self._answers.set()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                upstream.asked += 1
                upstream._answers.wait()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(upstream._body)))
                self.end_headers()
                self.wfile.write(upstream._body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    @contextmanager
    def serving(self) -> Iterator[SlowUpstream]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.answer()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
