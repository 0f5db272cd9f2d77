"""Find the templates that rendered a repository: the base of a merge is never guessed."""

from __future__ import annotations

import re
from pathlib import Path

from dsscaffold import __version__
from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.project.catalogue import find_templates
from dsscaffold.templating.applied import ARCHIVE, Applied
from dsscaffold.templating.archive import digest_templates, unpack_templates


def check_not_newer(applied: Applied) -> None:
    """Refuse a repository that a newer dsscaffold has written.

    Raises:
        DsscaffoldError: it did; the hint says which version to install.
    """
    if _numbers(applied.version) > _numbers(__version__):
        raise DsscaffoldError(
            f"This repository is at dsscaffold {applied.version}, and this is dsscaffold {__version__}.",
            f"Install that version or a newer one: pip install --upgrade 'dsscaffold>={applied.version}'",
        )


def find_origin(applied: Applied, folder: Path, also: Path | None = None) -> Path:
    """Return the templates that `applied` was rendered from, unpacked into `folder` if need be.

    The archive counts first. Where it is missing or was changed, `also` and the installed templates do if they hold
    exactly the same: what decides is the content, not a version number.

    Raises:
        DsscaffoldError: nobody has them; the hint says how to get them.
    """
    problem = f"{ARCHIVE} is missing"
    if applied.archive is not None:
        try:
            unpack_templates(applied.archive, applied.digest, folder)
        except DsscaffoldError as error:
            problem = f"{ARCHIVE} was changed: {error.message.rstrip('.')}"
        else:
            return folder
    for templates in _candidates(also):
        if digest_templates(templates) == applied.digest:
            return templates
    raise DsscaffoldError(
        f"{problem}, and the installed templates are not those that rendered this repository, "
        "so there is nothing to merge against.",
        f"Bring it back from git (git log -- {ARCHIVE}), or let the version that wrote it do so: "
        f"uvx --from dsscaffold=={applied.version} dsscaffold update --commit\n"
        "       Templates of your own: dsscaffold update --templates FOLDER, with the folder as it was then.",
    )


def _candidates(also: Path | None) -> list[Path]:
    found = [also] if also else []
    try:
        found.append(find_templates(None))
    except UsageError:
        return found
    return found


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release of a version as numbers: 1.10 is newer than 1.9."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in release[0].split(".")) if release else ()
