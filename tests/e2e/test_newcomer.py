"""The README's first line as a newcomer runs it: `new --yes --up`, and what the person sees."""

from __future__ import annotations

from pathlib import Path

from ..ports import free_port
from .stack import dsscaffold, wait_for


def test_new_up_ends_with_a_completed_order_and_what_to_do_next(tmp_path: Path) -> None:
    port = free_port()
    repo = tmp_path / "demo"
    try:
        result = dsscaffold("new", "demo", "--yes", "--up", "--port", str(port), cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
        positions = [result.stdout.find(status) for status in ("pending", "processing", "completed")]
        assert -1 not in positions
        assert positions == sorted(positions)
        assert f"http://localhost:{port}/docs" in result.stdout
        assert result.stdout.count("curl ") == 2
        assert "dsscaffold down" in result.stdout
        assert "\x1b[" not in result.stdout
        # What is made in the background now may keep one of them from an answer for a moment.
        wait_for(lambda: dsscaffold("status", "--json", cwd=repo).returncode == 0, "everything is healthy")
        logs = dsscaffold("logs", "gateway", cwd=repo)
        assert "gateway" in logs.stdout
    finally:
        assert dsscaffold("down", "--volumes", cwd=repo).returncode == 0
