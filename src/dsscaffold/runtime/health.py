"""Ask whether something is ready. Each probe returns what is wrong, or an empty text."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dsscaffold.runtime.ports import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Probe = Callable[[], Awaitable[str]]

READY_PATH = "/health/ready"
LIVE_PATH = "/health/live"
_TIMEOUT_SECONDS = 2.0
_ANSWER_LIMIT = 64 * 1024
_WELL = {"ok", "up", "ready", "healthy", "pass"}
# Metadata of no topic, version 1, from client `ds`; the answer begins with its size, our number, the brokers' count.
_KAFKA_REQUEST = struct.pack("!ihhih2si", 16, 3, 1, 1, 2, b"ds", 0)


class Silence(str):
    """A problem: the process itself did not answer. One that says that a dependency is away is not silent."""

    __slots__ = ()


async def http_ready(port: int) -> str:
    """Ask an app for /health/ready; its answer names the check that fails."""
    # Both at once: the second word on a process that hangs must not come as late again as the first.
    problem, silent = await asyncio.gather(
        _ask(port, _get(port, READY_PATH), _read_http), _ask(port, _get(port, LIVE_PATH), _read_anything)
    )
    # One that lives waits for something else, which a restart would not bring back.
    return problem if silent else str(problem)


async def kafka_ready(port: int) -> str:
    """Ask Kafka which brokers there are: a port alone is open on a broker that hangs, too."""
    return await _ask(port, _KAFKA_REQUEST, _read_kafka)


async def port_open(port: int) -> str:
    """Ask only whether the port can be reached."""
    return await _ask(port, b"", _read_nothing)


async def postgres_ready(port: int) -> str:
    """Begin to log in, as pg_isready does: a server that still recovers refuses before it asks for a password."""
    parameters = b"user\0postgres\0database\0postgres\0application_name\0dsscaffold\0\0"
    startup = struct.pack("!ii", 8 + len(parameters), 196608) + parameters
    return await _ask(port, startup, _read_postgres)


def _get(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\nAccept: application/json\r\n\r\n".encode()


async def _ask(port: int, request: bytes, read: Callable[[asyncio.StreamReader], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), _connection(port) as (reader, writer):
            writer.write(request)
            return await read(reader)
    except TimeoutError:
        return Silence(f"no answer within {_TIMEOUT_SECONDS:.0f} s")
    except ConnectionRefusedError:
        return Silence(f"nothing listens on port {port} yet")
    except (OSError, asyncio.IncompleteReadError) as error:
        return Silence(str(error) or type(error).__name__)
    except ValueError as error:
        return str(error) or type(error).__name__


@asynccontextmanager
async def _connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _read_nothing(_: asyncio.StreamReader) -> str:
    return ""


async def _read_anything(reader: asyncio.StreamReader) -> str:
    return "" if await reader.read(1) else Silence("no HTTP answer")


async def _read_kafka(reader: asyncio.StreamReader) -> str:
    brokers = struct.unpack("!iii", await reader.readexactly(12))[2]
    return "" if brokers > 0 else "no broker is registered yet"


async def _read_postgres(reader: asyncio.StreamReader) -> str:
    kind = await reader.readexactly(1)
    if kind == b"R":
        return ""
    fields = (await reader.read(_ANSWER_LIMIT))[4:].split(b"\0")
    message = next((field[1:] for field in fields if field[:1] == b"M"), b"it refuses connections")
    return message.decode(errors="replace")


async def _read_http(reader: asyncio.StreamReader) -> str:
    status = (await reader.readline()).split()
    if len(status) < 2:
        return "no HTTP answer" if status else Silence("no HTTP answer")
    if status[1] == b"200":
        return ""
    # With the end of the status line, so that an answer without headers has its empty line too.
    rest = b"\r\n"
    while len(rest) < _ANSWER_LIMIT and (chunk := await reader.read(_ANSWER_LIMIT)):
        rest += chunk
    failing = _failing_checks(rest.partition(b"\r\n\r\n")[2])
    return f"not ready ({failing})" if failing else f"{READY_PATH} answers {status[1].decode()}"


def _failing_checks(body: bytes) -> str:
    try:
        checks = json.loads(body)["checks"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    states = [(name, check.get("status") if isinstance(check, dict) else check) for name, check in checks]
    return ", ".join(f"{name}: {state}" for name, state in states if state not in _WELL)
