"""The fan-out of the gateway against the same handler in Express with fetch, and against a bare undici proxy.

    python benches/fan_out.py [--port 3998] [--rounds 5]

Behind all of them are the same three services, which answer at once: what is measured is the process in front. The
bare proxy makes one call where the others make three: it is the limit. Rounds are taken in changing order, and ratios
within a round. Then the gateway again, while one of the three is dead, or takes calls and never answers.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from stack import Stack, cpu_seconds, drive, node, running, script, wait_for

USERS = 20
COUNT = 8_000
PAGE = "/api/users/u1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3998)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="dsscaffold-bench-"))
        stack = held.enter_context(running(Path(folder), arguments.port))
        upstreams = held.enter_context(_upstreams())
        _compare(stack, upstreams, arguments.rounds)
        _in_trouble(stack, upstreams, arguments.rounds)
        _whole(stack, arguments.rounds)


def _compare(stack: Stack, upstreams: Mapping[str, str], rounds: int) -> None:
    with ExitStack() as held:
        fronts = {
            "gateway": held.enter_context(_gateway(stack, upstreams)),
            "Express + fetch": held.enter_context(_script("express.mjs", upstreams)),
            "bare undici proxy": held.enter_context(_script("proxy.mjs", upstreams)),
        }
        seen = _rounds(fronts, rounds)
    print(f"fan-out over three services, {USERS} users")
    for name, runs in seen.items():
        ratios = [mine["rate"] / other["rate"] for mine, other in zip(runs, seen["Express + fetch"], strict=True)]
        _report(name, runs, f"{statistics.median(ratios):.2f} x Express + fetch")


def _in_trouble(stack: Stack, upstreams: Mapping[str, str], rounds: int) -> None:
    dead = {**upstreams, "RECOMMENDATIONS_URL": f"http://127.0.0.1:{_free_port()}"}
    hung = {**upstreams, "RECOMMENDATIONS_URL": upstreams["HUNG_URL"]}
    with ExitStack() as held:
        services = {"all healthy": upstreams, "one is dead": dead, "one never answers": hung}
        fronts = {name: held.enter_context(_gateway(stack, urls)) for name, urls in services.items()}
        seen = _rounds(fronts, rounds)
    print(f"gateway, {USERS} users, by the state of the services behind it")
    healthy = statistics.median(run["p99"] for run in seen["all healthy"])
    for name, runs in seen.items():
        more = statistics.median(run["p99"] for run in runs) - healthy
        _report(name, runs, f"p99 {more:+.0f} ms")


def _whole(stack: Stack, rounds: int) -> None:
    runs = [_measure(stack.gateway, stack.processes()["gateway"]) for _ in range(rounds)]
    print(f"gateway and its three Python services with their databases, {USERS} users")
    _report("whole system", runs, "")


def _rounds(fronts: Mapping[str, tuple[str, psutil.Process]], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Measure each of them once a round, in changing order; the first round warms up and does not count."""
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in fronts}
    for _ in range(rounds + 1):
        for name in random.sample(list(fronts), len(fronts)):
            seen[name].append(_measure(*fronts[name]))
    return {name: runs[1:] for name, runs in seen.items()}


def _measure(origin: str, process: psutil.Process) -> dict[str, Any]:
    before = cpu_seconds({"front": process})["front"]
    seen = drive(origin, PAGE, count=COUNT, users=USERS)
    assert seen["statuses"] == {"200": COUNT}, seen["statuses"]
    cpu = (cpu_seconds({"front": process})["front"] - before) * 1000 / COUNT
    return {**seen, "rate": COUNT / seen["seconds"], "cpu": cpu}


def _report(name: str, runs: list[dict[str, Any]], note: str) -> None:
    rate, p50, p99, cpu = (statistics.median(run[key] for run in runs) for key in ("rate", "p50", "p99", "cpu"))
    print(f"  {name:<18} {rate:5.0f} pages/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, CPU {cpu:.2f} ms a page  {note}")


@contextmanager
def _upstreams() -> Iterator[dict[str, str]]:
    started = script("upstreams.mjs")
    assert started.stdout
    try:
        ports = json.loads(started.stdout.readline())
        yield {f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    finally:
        started.kill()


@contextmanager
def _script(name: str, environment: Mapping[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    port = _free_port()
    with _serving(script(name, **environment, PORT=str(port)), port) as front:
        yield front


@contextmanager
def _gateway(stack: Stack, urls: Mapping[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """Start a second gateway of the stack, with other services behind it."""
    port = _free_port()
    environment = {**stack.processes()["gateway"].environ(), **urls, "PORT": str(port)}
    log = (stack.repo / f"gateway-{port}.log").open("w")
    command = [str(node() / "node"), "src/server.ts"]
    with log:
        started = subprocess.Popen(command, cwd=stack.repo / "gateway", env=environment, stdout=log)
        with _serving(started, port) as front:
            yield front


@contextmanager
def _serving(started: subprocess.Popen[Any], port: int) -> Iterator[tuple[str, psutil.Process]]:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(listens, "a server on its port")
        yield f"http://127.0.0.1:{port}", psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


if __name__ == "__main__":
    main()
