"""Find the templates that rendered a repository: the base of a merge is never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dsscaffold import __version__
from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.project.catalogue import find_templates
from dsscaffold.project.installed import how_to_upgrade
from dsscaffold.templating.applied import ARCHIVE, Applied
from dsscaffold.templating.archive import Templates, check_archive, read_templates, unpack_templates
from dsscaffold.templating.released import fetch_released


@dataclass(frozen=True)
class Origin:
    """The templates that rendered a repository; `archived` says whether they lie in it, whole."""

    templates: Templates
    archived: bool


def check_not_newer(applied: Applied) -> None:
    """Refuse a repository that a newer dsscaffold has written.

    Raises:
        DsscaffoldError: it did; the hint says which version to install.
    """
    if _numbers(applied.version) > _numbers(__version__):
        raise DsscaffoldError(
            f"This repository is at dsscaffold {applied.version}, and this is dsscaffold {__version__}.",
            how_to_upgrade(applied.version),
        )


def find_origin(applied: Applied, folder: Path, asked: Templates | None, *, fetch: bool = False) -> Origin:
    """Return the templates that `applied` was rendered from, in the new folder `folder` if they are not on disk.

    Content decides, not a version number: `asked`, the installed ones, and with `fetch` those of the release that
    package indexes have, do if their sum is that of the archive. To use what is on disk is quicker than to unpack.

    Raises:
        DsscaffoldError: nobody has them; the hint says how to get them.
    """
    raw, problem = _read_archive(applied)
    near = asked or _installed()
    if near and near.digest == applied.digest:
        return Origin(near, archived=raw is not None)
    if raw is not None:
        try:
            unpack_templates(raw, folder)
        except DsscaffoldError as error:
            problem = f"{ARCHIVE} was changed: {error.message.rstrip('.')}"
        else:
            return Origin(Templates(folder, applied.digest, raw), archived=True)
    if asked and (installed := _installed()) and installed.digest == applied.digest:
        return Origin(installed, archived=False)
    if fetch:
        return Origin(fetch_released(applied.version, applied.digest, folder / "released"), archived=False)
    raise DsscaffoldError(
        f"{problem}, and the installed templates are not those that rendered this repository, "
        "so there is nothing to merge against.",
        f"Bring it back from git (git log -- {ARCHIVE}), or fetch release {applied.version}: "
        "dsscaffold update --fetch-base\n"
        "       Templates of your own: dsscaffold update --templates FOLDER, with the folder as it was then.",
    )


def _read_archive(applied: Applied) -> tuple[bytes | None, str]:
    """Return the archive's tar, or what is wrong with it."""
    if applied.archive is None:
        return None, f"{ARCHIVE} is missing"
    try:
        return check_archive(applied.archive, applied.digest), ""
    except DsscaffoldError as error:
        return None, f"{ARCHIVE} was changed: {error.message.rstrip('.')}"


def _installed() -> Templates | None:
    try:
        return read_templates(find_templates(None))
    except (UsageError, OSError):
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release of a version as numbers: 1.10 is newer than 1.9."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in release[0].split(".")) if release else ()
