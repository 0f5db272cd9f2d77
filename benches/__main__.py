"""Run every bench, one after the other: `python benches`. What is measured stands in benches/README.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    failed = []
    for bench in sorted(HERE.glob("*.py")):
        if bench.name.startswith("_") or bench.stem in {"stack", "timing"}:
            continue
        print(f"\n# {bench.stem}", flush=True)
        if subprocess.run([sys.executable, bench], check=False).returncode:
            failed.append(bench.stem)
    if failed:
        raise SystemExit(f"did not end well: {', '.join(failed)}")


if __name__ == "__main__":
    main()
