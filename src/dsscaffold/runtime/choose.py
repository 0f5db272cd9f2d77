"""Choose how a repository is run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.backend import Backend


def backend_for(repo: Path) -> Backend:
    """Return the backend of a repository.

    Raises:
        DsscaffoldError: this system has none.
    """
    if sys.platform == "win32":
        raise DsscaffoldError("Windows itself cannot run the services.", "Use WSL2: install dsscaffold inside it.")
    from dsscaffold.runtime.local.backend import LocalBackend

    return LocalBackend(repo)
