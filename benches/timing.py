"""What the benches share: timed commands, runs taken in turn, a line of result."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain.cache import Cache, cache_folder
from dsscaffold.runtime.toolchain.node import find_node

CLI = [sys.executable, "-m", "dsscaffold"]

#: What a Typer app costs that does nothing.
BARE = """
import typer
app = typer.Typer()
@app.callback()
def root() -> None: "Hold."
@app.command()
def new(name: str) -> None: "Render."
app()
"""


def timed(call: Callable[[], object]) -> float:
    """Return how long `call` takes, in seconds."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turn(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Time the calls in rounds, every round in another order, after one round that does not count.

    What else a machine does then falls on all of them alike, and so does what a call leaves in the caches.
    """
    names = list(calls)
    for name in names:
        calls[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(runs):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            seconds[name].append(timed(calls[name]))
    return seconds


def ratio(first: list[float], second: list[float]) -> float:
    """Return the median of `first / second`, round by round."""
    return statistics.median(a / b for a, b in zip(first, second, strict=True))


def run(command: list[str], cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return its standard output.

    Raises:
        SystemExit: it fails.
    """
    environ = dict(os.environ if environment is None else environment)
    # A command that people start keeps what Python compiled.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def node_folder() -> Path:
    """Return the folder of `node` and `npm`: the machine's, or those that `up` would fetch."""
    runner = Runner()
    try:
        return asyncio.run(find_node(Cache(cache_folder(os.environ), runner, lambda _: None, os.environ))).bin
    finally:
        runner.close()


def report(what: str, seconds: list[float], note: str = "") -> None:
    """Print the median and the spread."""
    spread = f"{min(seconds):.3f} to {max(seconds):.3f}, {len(seconds)} runs"
    print(f"{what:<34} {statistics.median(seconds):7.3f} s  ({spread})  {note}".rstrip())
