"""Where a server keeps its data, and as whom it runs."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.process import Identity

if TYPE_CHECKING:
    from dsscaffold.runtime.repo import RunFolder

_OUTSIDE = Path("/var/tmp")
_PREFIX = "dsscaffold-"
_OWNER = "repository"


@dataclass(frozen=True)
class Home:
    """A folder that the server may write in; with an `identity`, one that this user can get to."""

    folder: Path
    identity: Identity | None = None

    def give(self, path: Path) -> Path:
        """Make `path` belong to whoever runs the server."""
        if self.identity:
            os.chown(path, self.identity.uid, self.identity.gid)
        return path


def unprivileged_home(run: RunFolder, server: str) -> Home:
    """Return the home of a server that refuses to run as root.

    For root it lies outside the repository, since another user can seldom get into root's folders; the
    repository remembers which one it is.

    Raises:
        DsscaffoldError: root here may not be anybody else, as in a namespace of a single user.
    """
    if os.geteuid() != 0:
        folder = run.data / server
        folder.mkdir(parents=True, exist_ok=True)
        return Home(folder)
    nobody = pwd.getpwnam("nobody")
    identity = Identity(nobody.pw_uid, nobody.pw_gid)
    outside = _remembered(run)
    if outside is None:
        _remove_orphans(run)
        outside = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_OUTSIDE))
        (outside / _OWNER).write_text(str(run.repo))
        _note(run).write_text(str(outside))
        # Others may pass through, no more; what is inside belongs to the server's user alone.
        outside.chmod(0o711)
    home = Home(outside / server, identity)
    home.folder.mkdir(mode=0o700, exist_ok=True)
    try:
        home.give(home.folder)
    except OSError as error:
        reason = f"{server.capitalize()} does not run as root, and root may not be another user here: {error.strerror}."
        raise DsscaffoldError(reason, "Run dsscaffold as a user that is not root.") from error
    return home


def remove_outside(run: RunFolder) -> bool:
    """Remove the folder outside the repository; tell whether there was one."""
    outside = _remembered(run)
    if outside is not None:
        shutil.rmtree(outside)
    _note(run).unlink(missing_ok=True)
    return outside is not None


def left_outside() -> list[tuple[Path, str]]:
    """Return root's folders whose repository is not at its place any more, each with that place.

    It may have been moved, or lie on a disk that is not there now: nobody but a person can tell.
    """
    if os.geteuid() != 0:
        return []
    owned = [(folder, _owner(folder)) for folder in sorted(_OUTSIDE.glob(f"{_PREFIX}*"))]
    return [(folder, owner) for folder, owner in owned if owner and _is_gone(owner)]


def reachable(path: Path, identity: Identity | None) -> bool:
    """Tell whether a user can get to a path through all the folders above it."""
    if identity is None:
        return True
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _remembered(run: RunFolder) -> Path | None:
    try:
        outside = Path(_note(run).read_text().strip())
    except (OSError, ValueError):
        return None
    owner = _owner(outside) if outside.parent == _OUTSIDE else ""
    if owner and owner != str(run.repo) and _is_gone(owner):
        # The repository was moved, and its data goes with it.
        (outside / _OWNER).write_text(str(run.repo))
        return outside
    # A copy of a repository remembers the folder of the original: that one is not its own.
    return outside if owner == str(run.repo) else None


def _remove_orphans(run: RunFolder) -> None:
    """Remove what a repository left that was at the same place and has been deleted since."""
    for folder in _OUTSIDE.glob(f"{_PREFIX}*"):
        if _owner(folder) == str(run.repo):
            shutil.rmtree(folder, ignore_errors=True)


def _owner(outside: Path) -> str:
    """Return the repository that a folder belongs to; nothing for a folder that is none of root's."""
    file = outside / _OWNER
    try:
        return file.read_text() if file.is_file() and file.stat().st_uid == 0 else ""
    except (OSError, ValueError):
        return ""


def _is_gone(repo: str) -> bool:
    try:
        return not Path(repo).exists()
    except OSError:
        # A network drive that does not answer is no sign.
        return False


def _note(run: RunFolder) -> Path:
    return run.root / "outside"
