"""What Tab offers: the real program, asked as bash asks it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..patience import PATIENCE_S

MANIFEST = """\
version: 1
name: demo
broker: kafka
patterns: [orders]
services:
  orders: {lang: python, role: orders}
  profiles: {lang: python, role: profiles}
  team-notes: {lang: python}
"""
COMPOSE = """\
services:
  gateway: {build: ., x-local: {runtime: node, command: [node, server.ts]}}
  orders: {build: ., environment: {PORT: "80"}, x-local: {runtime: python, command: [python, -m, app]}}
"""
ASYNCAPI = """\
channels:
  orders: {address: orders}
  ordersDeadLetters: {address: orders.dlq}
  audit: {address: audit}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "dsscaffold.yaml").write_text(MANIFEST)
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "contracts").mkdir()
    (folder / "contracts" / "asyncapi.yaml").write_text(ASYNCAPI)
    return folder


def _complete(line: str, templates: Path, folder: Path) -> list[str]:
    """Return what is offered for the last word of `line`."""
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_DSSCAFFOLD_COMPLETE": "complete_bash"}
    result = subprocess.run(
        [str(Path(sys.executable).with_name("dsscaffold"))],
        cwd=folder,
        env={**os.environ, **asked, "DSSCAFFOLD_TEMPLATES": str(templates)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert result.stderr == "", "an error has no place in a line that is being typed"
    return result.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("new x --preset s", ["shop"]),
        ("new x --pattern ", ["hub", "orders"]),
        ("new x --broker ", ["kafka"]),
        ("new x --license M", ["MIT"]),
        ("add-service x --lang ", ["python"]),
        ("add-service x --role p", ["profiles"]),
        ("add-pattern ", ["hub"]),
        ("remove-pattern ", ["orders"]),
        ("remove-service ", ["orders", "profiles", "team-notes"]),
        ("rename-service p", ["profiles"]),
        ("set-broker ", ["kafka"]),
        ("restart ", ["gateway", "orders"]),
        ("open ", ["docs", "metrics", "orders"]),
        ("logs g", ["gateway"]),
        ("replay ", ["orders", "team-notes"]),
    ],
)
def test_names_complete(repo: Path, templates: Path, line: str, offered: list[str]) -> None:
    assert _complete(f"dsscaffold {line}", templates, repo) == offered


def test_other_templates_complete_when_they_are_named_before(repo: Path, templates: Path) -> None:
    (templates / "presets" / "special.yaml").write_text((templates / "presets" / "shop.yaml").read_text())
    line = f"dsscaffold new x --templates {templates} --preset sp"
    assert _complete(line, Path("/nowhere"), repo) == ["special"]


@pytest.mark.parametrize("line", ["", "doctor --", "new x --pattern "])
def test_every_line_that_fish_reads_is_a_name_with_its_description(repo: Path, templates: Path, line: str) -> None:
    pattern = templates / "patterns" / "hub" / "pattern.yaml"
    pattern.write_text(pattern.read_text().replace("summary: Hub", f"summary: {'word ' * 40}"))
    asked = {
        "_TYPER_COMPLETE_ARGS": f"dsscaffold {line}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_DSSCAFFOLD_COMPLETE": "complete_fish",
    }
    result = subprocess.run(
        [str(Path(sys.executable).with_name("dsscaffold"))],
        cwd=repo,
        env={**os.environ, **asked, "COLUMNS": "40", "DSSCAFFOLD_TEMPLATES": str(templates)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    lines = result.stdout.splitlines()
    assert len(lines) > 1
    assert [each for each in lines if "\t" not in each] == []


@pytest.mark.parametrize("line", ["add-service x --role ", "remove-service ", "restart ", "add-pattern ", "replay "])
def test_what_is_wrong_completes_to_nothing(tmp_path: Path, line: str) -> None:
    (tmp_path / "dsscaffold.yaml").write_text("version: [")
    (tmp_path / "compose.yaml").write_text("services: [")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "asyncapi.yaml").write_text("channels: [")
    assert _complete(f"dsscaffold {line}", tmp_path / "nowhere", tmp_path) == []
