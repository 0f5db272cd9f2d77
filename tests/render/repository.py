"""What the tests of a repository's own files read out of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def services_of(repo: Path) -> list[str]:
    """Return the services that the manifest of a rendered repository has, sorted."""
    return sorted(read_yaml(repo / "dsscaffold.yaml").get("services") or {})


def named_paths(text: str, repo: Path) -> set[str]:
    """Return what `text` writes in back quotes that can only be a path of the repository."""
    roots = "|".join(re.escape(path.name) for path in repo.iterdir() if path.is_dir())
    quoted = re.findall(r"`([^`\s]+)`", text)
    return {name for name in quoted if re.match(rf"({roots})/", name) and "<" not in name}
