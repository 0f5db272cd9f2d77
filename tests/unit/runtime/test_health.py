from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

import pytest

from dsscaffold.runtime import health
from dsscaffold.runtime.local.silence import SilenceClock

from ...ports import free_port


def answer(reply: bytes, probe: Callable[[int], Awaitable[str]]) -> str:
    """Let a server send `reply` to whoever connects, and ask it."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if probe is not health.port_open:
            await reader.read(1024)
        writer.write(reply)
        writer.close()

    async def ask() -> str:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            return await probe(server.sockets[0].getsockname()[1])

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", ""),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "/health/ready answers 503"),
        (b"HTTP/1.1 404 Not Found\r\n\r\nnot json", "/health/ready answers 404"),
        (
            b'HTTP/1.1 503 X\r\nA: b\r\n\r\n{"checks": {"database": {"status": "down"}, "relay": {"status": "ok"}}}',
            "not ready (database: down)",
        ),
        (b'HTTP/1.1 503 X\r\n\r\n{"checks": ["odd"]}', "/health/ready answers 503"),
        (b"", "no HTTP answer"),
        (b"garbage\r\n", "no HTTP answer"),
    ],
)
def test_an_app(reply: bytes, problem: str) -> None:
    assert answer(reply, health.http_ready) == problem


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b"R\0\0\0\x08\0\0\0\x0a", ""),
        (b"E\0\0\0\x30SFATAL\0C57P03\0Mthe database system is starting up\0\0", "the database system is starting up"),
        (b"E\0\0\0\x04", "it refuses connections"),
        (b"", "0 bytes read on a total of 1 expected bytes"),
    ],
)
def test_postgres(reply: bytes, problem: str) -> None:
    assert answer(reply, health.postgres_ready) == problem


def test_an_open_port() -> None:
    assert answer(b"", health.port_open) == ""


def test_nobody_listens() -> None:
    port = free_port()
    assert asyncio.run(health.http_ready(port)) == f"nothing listens on port {port} yet"


def hush(path: bytes | None) -> str:
    """Ask an app that answers nothing, or only what is asked for at `path`."""
    calls: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            calls.add(task)
        request = await reader.read(1024)
        if path and request.startswith(b"GET " + path):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    async def ask() -> str:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            problem = await health.http_ready(server.sockets[0].getsockname()[1])
            await asyncio.wait(calls)
            return problem

    return asyncio.run(ask())


def test_a_process_that_answers_nothing_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_TIMEOUT_SECONDS", 0.1)
    assert isinstance(hush(None), health.Silence)


def test_one_whose_readiness_waits_for_another_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    # Long enough for the one that does answer.
    monkeypatch.setattr(health, "_TIMEOUT_SECONDS", 1.0)
    problem = hush(b"/health/live")
    assert problem == "no answer within 1 s"
    assert not isinstance(problem, health.Silence)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (struct.pack("!iii", 8, 1, 1), ""),
        (struct.pack("!iii", 8, 1, 0), "no broker is registered yet"),
        (b"", "0 bytes read on a total of 12 expected bytes"),
    ],
)
def test_kafka(reply: bytes, problem: str) -> None:
    assert answer(reply, health.kafka_ready) == problem


def test_silence_is_added_up_and_a_halt_of_our_own_counts_little() -> None:
    moments = iter([0.0, 4.0, 8.0, 9.0, 10.0, 3610.0])
    clock = SilenceClock(lambda: next(moments))
    quiet = health.Silence("no answer within 2 s")
    assert [clock.heard(problem) for problem in (quiet, quiet, "not ready", quiet, quiet)] == [4.0, 8.0, 0.0, 1.0, 6.0]
