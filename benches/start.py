"""What a person waits for: `--help`, `new`, a cold and a warm `up`, and the memory of what then runs.

    python benches/start.py [--cold]

Machines are noisy: a figure is the median of several runs, and a comparison is the ratio of runs taken in turn.
`--cold` empties a cache of its own first, and so fetches about 200 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

BARE = """
import typer
app = typer.Typer()
@app.callback()
def root() -> None: "Hold."
@app.command()
def new(name: str) -> None: "Render."
app()
"""
CLI = [sys.executable, "-m", "dsscaffold"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true", help="measure a first `up` with an empty cache too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dsscaffold-bench-") as folder:
        work = Path(folder)
        (work / "bare.py").write_text(BARE)
        _help(work)
        _new(work)
        _up(work, cold=arguments.cold)


def _help(work: Path) -> None:
    ours, bare = _in_turn(
        lambda: _run([*CLI, "--help"], work), lambda: _run([sys.executable, "bare.py", "--help"], work), runs=11
    )
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    _report("--help", ours, f"{ratio:.2f} x a bare Typer app ({statistics.median(bare):.3f} s)")


def _new(work: Path) -> None:
    seconds = []
    for _ in range(5):
        seconds.append(_timed(lambda: _run([*CLI, "new", "demo", "--yes"], work)))
        files = sum(1 for path in (work / "demo").rglob("*") if path.is_file() and ".git" not in path.parts)
        shutil.rmtree(work / "demo")
    _report("new --yes", seconds, f"{files} files, committed")


def _up(work: Path, *, cold: bool) -> None:
    _run([*CLI, "new", "demo", "--yes"], work)
    repo = work / "demo"
    environment = dict(os.environ)
    if cold:
        environment["DSSCAFFOLD_CACHE"] = str(work / "cache")
    up = [*CLI, "up", "--detach", "--json", "--port", "3999"]
    try:
        first = _timed(lambda: _run(up, repo, environment))
        _report("up, first" + (" (cold)" if cold else ""), [first], "environments installed, database made")
        seconds, where = [], {}
        for _ in range(5):
            _run([*CLI, "down"], repo, environment)
            started = time.perf_counter()
            where = json.loads(_run(up, repo, environment))["seconds"]
            seconds.append(time.perf_counter() - started)
        _report("up, warm", seconds, "")
        print("  of the last:", json.dumps(where))
        _memory(repo, environment)
    finally:
        _run([*CLI, "down", "--volumes"], repo, environment)


def _memory(repo: Path, environment: dict[str, str]) -> None:
    """Print proportional memory: pages that processes share (Postgres' do) count once."""
    status = json.loads(_run([*CLI, "status", "--json"], repo, environment))
    state = json.loads((repo / ".dsscaffold" / "run" / "state.json").read_text())
    roots = {service["name"]: service["pid"] for service in status["services"]}
    roots["supervisor"] = state["supervisor"]["pid"]
    total = 0.0
    for name, pid in roots.items():
        process = psutil.Process(pid)
        family = [process] if name == "supervisor" else [process, *process.children(recursive=True)]
        megabytes = sum(member.memory_full_info().pss for member in family) / 1e6
        total += megabytes
        print(f"  {name:<18} {megabytes:6.0f} MB")
    print(f"  {'together':<18} {total:6.0f} MB")


def _in_turn(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[list[float], list[float]]:
    first(), second()
    pairs = [(_timed(first), _timed(second)) for _ in range(runs)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _run(command: list[str], cwd: Path, environment: dict[str, str] | None = None) -> str:
    return subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


def _report(what: str, seconds: list[float], note: str) -> None:
    spread = f"{min(seconds):.3f} to {max(seconds):.3f}"
    print(f"{what:<20} {statistics.median(seconds):7.3f} s  ({spread}, {len(seconds)} runs)  {note}")


if __name__ == "__main__":
    main()
