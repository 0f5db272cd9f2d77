"""Fetch the templates of a release of dsscaffold, as pip is set up to find it. Nothing of what comes is run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from dsscaffold.errors import DsscaffoldError
from dsscaffold.templating.archive import Templates, read_templates
from dsscaffold.templating.temporary import work_folder

_PREFIX = PurePosixPath("dsscaffold/_templates")
_TIMEOUT_S = 300


def fetch_released(version: str, digest: str, folder: Path) -> Templates:
    """Download the wheel of `version` and put its templates into `folder`, if their sum is `digest`.

    Raises:
        DsscaffoldError: it cannot be had, or holds other templates; the hint has the command to try by hand.
    """
    with work_folder() as work:
        wheel = _download(version, work)
        _take_templates(wheel, folder)
    templates = read_templates(folder)
    if templates.digest != digest:
        raise DsscaffoldError(
            f"Release {version} of dsscaffold holds other templates than those that rendered this repository.",
            "Templates of your own: dsscaffold update --templates FOLDER, with the folder as it was then.",
        )
    return templates


def _download(version: str, folder: Path) -> Path:
    arguments = ["pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), f"dsscaffold=={version}"]
    try:
        done = subprocess.run(
            [*_pip(), *arguments[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unavailable(version, str(error)) from error
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode != 0 or wheel is None:
        errors = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
        raise _unavailable(version, (errors or ["pip gave no reason"])[-1])
    return wheel


def _pip() -> list[str]:
    """Return how pip is started: where uv made the environment, it is not in there."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    from uv import find_uv_bin

    return [find_uv_bin(), "tool", "run", "pip"]


def _take_templates(wheel: Path, folder: Path) -> None:
    """Copy the templates out of a wheel; their run bits count."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            if entry.is_dir() or not path.is_relative_to(_PREFIX) or ".." in path.parts:
                continue
            target = folder / path.relative_to(_PREFIX)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))
            target.chmod(0o755 if entry.external_attr >> 16 & 0o100 else 0o644)


def _unavailable(version: str, reason: str) -> DsscaffoldError:
    return DsscaffoldError(
        f"dsscaffold {version} could not be downloaded: {reason}",
        f"See whether pip can: pip download --no-deps dsscaffold=={version}",
    )
