"""A package registry on the loopback address: it can cut connections, wait, speak TLS, and lie behind a proxy."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import os
import re
import select
import socket
import ssl
import subprocess
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from ...patience import PATIENCE_S

#: Nobody but the proxy of these tests can find it.
NAME = "registry.test"
WHEEL = "slowpoke-1.0-py3-none-any.whl"
TARBALL = "slowpoke-1.0.0.tgz"
METADATA = "Metadata-Version: 2.1\nName: slowpoke\nVersion: 1.0\n"


def make_wheel() -> bytes:
    files = {
        "slowpoke.py": os.urandom(200_000).hex(),
        "slowpoke-1.0.dist-info/METADATA": METADATA,
        "slowpoke-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        rows.append(f"{name},sha256={digest},{len(text)}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr("slowpoke-1.0.dist-info/RECORD", "\n".join([*rows, "slowpoke-1.0.dist-info/RECORD,,\n"]))
    return buffer.getvalue()


def make_tarball() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = json.dumps({"name": "slowpoke", "version": "1.0.0"}).encode()
        info = tarfile.TarInfo("package/package.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class Asked:
    """One request for a file."""

    path: str
    range: str
    if_range: str


@dataclass
class Registry:
    """Serves one wheel and one npm package. `cuts` holds, for each request for the wheel, how many bytes come."""

    wheel: bytes = field(default_factory=make_wheel)
    tarball: bytes = field(default_factory=make_tarball)
    tag: str = '"one"'
    knows_ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    #: Set once the bytes of a cut are sent; the connection is then cut as soon as `go_on` is set.
    sent: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go_on.set()
        #: The hash that the index gives for the wheel.
        self.promised = self.sha256
        self.pin = f"slowpoke==1.0 --hash=sha256:{self.sha256}\n"
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": self})
        )
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.scheme, self.host = "http", f"127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.wheel).hexdigest()

    @property
    def root(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def index(self) -> str:
        return f"{self.root}/simple"

    def environ(self, folder: Path) -> dict[str, str]:
        """Return the environment of a person who uses this registry for Python's packages."""
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {**os.environ, "UV_INDEX_URL": self.index, "UV_DEFAULT_INDEX": self.index, "TMPDIR": str(temporary)}

    def speak_tls(self, authority: Authority) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.certificate, authority.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme, self.host = "https", NAME

    def links(self) -> bytes:
        digest = hashlib.sha256(METADATA.encode()).hexdigest()
        address = f"{self.root}/{WHEEL}#sha256={self.promised}"
        return f'<a href="{address}" data-core-metadata="sha256={digest}">{WHEEL}</a>'.encode()

    def packument(self) -> bytes:
        digest = base64.b64encode(hashlib.sha512(self.tarball).digest()).decode()
        dist = {"tarball": f"{self.root}/{TARBALL}", "integrity": f"sha512-{digest}"}
        version = {"name": "slowpoke", "version": "1.0.0", "dist": dist}
        document = {"name": "slowpoke", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        return json.dumps(document).encode()

    def ranges(self) -> list[str]:
        return [asked.range for asked in self.asked if asked.path.endswith(".whl")]

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    registry: Registry

    def do_GET(self) -> None:
        registry, path = self.registry, self.path
        registry.asked.append(Asked(path, self.headers.get("Range", ""), self.headers.get("If-Range", "")))
        if path.endswith(".whl"):
            self._send_wheel()
        elif path.endswith(".tgz"):
            self._send(registry.tarball, "application/octet-stream")
        elif path.endswith(".metadata"):
            self._send(METADATA.encode(), "text/plain")
        elif path.startswith("/simple/slowpoke"):
            self._send(registry.links(), "text/html")
        elif path == "/slowpoke":
            self._send(registry.packument(), "application/json")
        else:
            self.send_error(404)

    def do_HEAD(self) -> None:
        self.send_error(405)

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_wheel(self) -> None:
        registry, start = self.registry, self._start()
        whole = len(registry.wheel)
        if start >= whole:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(whole - start))
        self.send_header("ETag", registry.tag)
        self.end_headers()
        if not registry.cuts:
            self.wfile.write(registry.wheel[start:])
            return
        self.wfile.write(registry.wheel[start : start + registry.cuts.pop(0)])
        self.wfile.flush()
        registry.sent.set()
        registry.go_on.wait(PATIENCE_S)
        self.close_connection = True

    def _start(self) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fits = self.headers.get("If-Range", self.registry.tag) == self.registry.tag
        return int(found[1]) if found and fits and self.registry.knows_ranges else 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Authority:
    """A certificate authority that no system knows, and the certificate that it gave the registry."""

    def __init__(self, folder: Path) -> None:
        self.bundle, self.certificate, self.key = (folder / name for name in ("ca.pem", "registry.pem", "registry.key"))
        own_key, request, extension = (folder / name for name in ("ca.key", "registry.csr", "registry.ext"))
        extension.write_text(f"subjectAltName=DNS:{NAME}\nbasicConstraints=CA:FALSE\n")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        ca = ("-subj", "/CN=An authority of the tests", "-addext", "keyUsage=critical,keyCertSign", "-days", "2")
        _openssl("req", "-x509", *curve, *ca, "-keyout", own_key, "-out", self.bundle)
        _openssl("req", *curve, "-subj", f"/CN={NAME}", "-keyout", self.key, "-out", request)
        signing = ("-CA", self.bundle, "-CAkey", own_key, "-CAcreateserial", "-days", "2", "-extfile", extension)
        _openssl("x509", "-req", "-in", request, *signing, "-out", self.certificate)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Proxy:
    """Connects to the registry, whatever name is asked for; remembers the names."""

    def __init__(self, registry: Registry) -> None:
        self.asked: list[str] = []
        self._target = ("127.0.0.1", registry.port)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _handler(proxy) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                proxy.asked.append(self.path.partition(":")[0])
                with socket.create_connection(proxy._target) as upstream:
                    self.send_response(200)
                    self.end_headers()
                    _pass_on(self.connection, upstream)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    to = {one: other, other: one}
    while ready := select.select([one, other], [], [], 60)[0]:
        for end in ready:
            chunk = end.recv(65536)
            if not chunk:
                return
            to[end].sendall(chunk)
