"""The README's two lines are what CI runs: a line that only stands in a text rots."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _commands() -> list[str]:
    return re.findall(r"^```sh\n(.+)\n```$", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_ci_runs_both_lines_of_the_readme_as_they_are() -> None:
    main, tests = _commands()
    assert tests in (ROOT / ".ci" / "run").read_text().splitlines()
    assert main in (ROOT / ".ci" / "newcomer").read_text().splitlines()
    assert ".ci/newcomer" in (ROOT / ".ci" / "run").read_text().splitlines()
