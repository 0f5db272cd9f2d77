"""The tests that a rendered repository brings for its running stack, as its team runs them."""

from __future__ import annotations

import os
import subprocess

from .stack import Stack


def test_a_rendered_repository_passes_its_own_system_tests(stack: Stack) -> None:
    result = subprocess.run(
        ["make", "test", "PART=tests/system"],
        cwd=stack.repo,
        env={**os.environ, "GATEWAY_URL": stack.gateway},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped" not in result.stdout
