"""The tests that a rendered repository brings for its running stack, as its team runs them."""

from __future__ import annotations

from .stack import Stack


def test_a_rendered_repository_passes_its_own_system_tests(stack: Stack) -> None:
    result = stack.make("test", "PART=tests/system")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped" not in result.stdout
