"""What a person waits for: `new`, a cold and a warm `up`, and the memory of what then runs.

    python benches/start.py [--cold]

Machines are noisy: a figure is the median of several runs, and a comparison is the ratio of runs taken in turn.
`--cold` empties a cache of its own first, and so fetches about 200 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import psutil
from timing import CLI, report, run, timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true", help="measure a first `up` with an empty cache too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dsscaffold-bench-") as folder:
        work = Path(folder)
        _new(work)
        _up(work, cold=arguments.cold)


def _new(work: Path) -> None:
    seconds = []
    for _ in range(5):
        seconds.append(timed(lambda: run([*CLI, "new", "demo", "--yes"], work)))
        files = sum(1 for path in (work / "demo").rglob("*") if path.is_file() and ".git" not in path.parts)
        shutil.rmtree(work / "demo")
    report("new --yes", seconds, f"{files} files, committed")


def _up(work: Path, *, cold: bool) -> None:
    run([*CLI, "new", "demo", "--yes"], work)
    repo = work / "demo"
    environment = dict(os.environ)
    if cold:
        environment["DSSCAFFOLD_CACHE"] = str(work / "cache")
    up = [*CLI, "up", "--detach", "--json", "--port", "3999"]
    try:
        first = timed(lambda: run(up, repo, environment))
        report("up, first" + (" (cold)" if cold else ""), [first], "environments installed, database made")
        seconds, where = [], {}
        for _ in range(5):
            run([*CLI, "down"], repo, environment)
            started = time.perf_counter()
            where = json.loads(run(up, repo, environment))["seconds"]
            seconds.append(time.perf_counter() - started)
        report("up, warm", seconds, "")
        print("  of the last:", json.dumps(where))
        _memory(repo, environment)
    finally:
        run([*CLI, "down", "--volumes"], repo, environment)


def _memory(repo: Path, environment: dict[str, str]) -> None:
    """Print proportional memory: pages that processes share (Postgres' do) count once."""
    status = json.loads(run([*CLI, "status", "--json"], repo, environment))
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


if __name__ == "__main__":
    main()
