"""`dsscaffold new`: render a repository into a new folder."""

from __future__ import annotations

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dsscaffold import __version__
from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.catalogue import Catalogue
from dsscaffold.project.manifest import MANIFEST_NAME, Manifest
from dsscaffold.project.plan import make_plan
from dsscaffold.templating import git
from dsscaffold.templating.applied import applied_files
from dsscaffold.templating.renderer import render


@dataclass(frozen=True)
class NewResult:
    """What `new` made, or would make with `dry_run`: `files` are relative to `path` and sorted."""

    manifest: Manifest
    path: Path
    files: tuple[PurePosixPath, ...]
    committed: bool
    dry_run: bool
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return the document of `new --json`."""
        return {
            "name": self.manifest.name,
            "path": str(self.path),
            "license": self.manifest.license,
            "broker": self.manifest.broker,
            "patterns": list(self.manifest.patterns),
            "services": [
                {"name": service.name, "lang": service.lang, "role": service.role} for service in self.manifest.services
            ],
            "files": [str(path) for path in self.files],
            "committed": self.committed,
            "dryRun": self.dry_run,
            "seconds": round(self.seconds, 3),
        }


def check_destination(path: Path) -> None:
    """Refuse a destination that holds anything.

    Raises:
        DsscaffoldError: `path` is a file or a folder that is not empty, or its parent is not a folder.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise DsscaffoldError(f"{path} exists and is not a folder.", "Choose another name or --output-dir.")
    if path.is_dir() and any(path.iterdir()):
        raise DsscaffoldError(f"The folder {path} is not empty.", "Choose another name, or empty the folder first.")
    if path.parent.exists() and not path.parent.is_dir():
        raise DsscaffoldError(f"{path.parent} is not a folder.", "Choose another --output-dir.")


def enclosing_repository(parent: Path) -> Path | None:
    """Return the git repository that a new folder in `parent` would lie in, if any."""
    existing = next(folder for folder in (parent, *parent.parents) if folder.is_dir())
    return git.enclosing_repository(existing)


def run_new(
    manifest: Manifest,
    catalogue: Catalogue,
    destination: Path,
    *,
    port: int | None = None,
    use_git: bool = True,
    dry_run: bool = False,
) -> NewResult:
    """Render `manifest` into the new folder `destination` and commit it.

    `port` is the gateway's on this machine: it goes to .env, which git does not see.
    Everything happens in a temporary folder beside the destination, which is renamed at the end: a failure or Ctrl-C
    leaves nothing behind, and nobody ever sees half a repository. A dry run is the same but for the rename.

    Raises:
        DsscaffoldError: the destination is taken or cannot be written, or a template or git fails.
    """
    started = time.perf_counter()
    check_destination(destination)
    made_parents = [] if dry_run else _make_parents(destination.parent)
    try:
        files = _build(manifest, catalogue, destination, use_git=use_git, dry_run=dry_run)
        if port and not dry_run:
            (destination / ".env").write_text(f"GATEWAY_PORT={port}\n")
    except BaseException:
        # One that is not empty has been of use to somebody else meanwhile.
        with suppress(OSError):
            for folder in made_parents:
                folder.rmdir()
        raise
    seconds = time.perf_counter() - started
    return NewResult(manifest, destination, files, use_git and not dry_run, dry_run, seconds)


def _build(
    manifest: Manifest, catalogue: Catalogue, destination: Path, *, use_git: bool, dry_run: bool
) -> tuple[PurePosixPath, ...]:
    try:
        parent = None if dry_run else destination.parent
        work = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=parent))
    except OSError as error:
        raise DsscaffoldError(
            f"{destination.parent.absolute()} cannot be written: {error.strerror}.", "Choose another --output-dir."
        ) from error
    try:
        # A folder of its own inside: mkdtemp's is closed to all others, this one has the person's usual mode.
        folder = work / destination.name
        folder.mkdir()
        files = _write(manifest, catalogue, folder)
        if not dry_run:
            if use_git:
                git.create_repository(folder, f"Render {manifest.name} with dsscaffold {__version__}")
            folder.replace(destination)
        return files
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write(manifest: Manifest, catalogue: Catalogue, folder: Path) -> tuple[PurePosixPath, ...]:
    own = {PurePosixPath(MANIFEST_NAME): manifest.to_yaml().encode()}
    # Packing compresses, outside of the interpreter's lock: both cores have something to do.
    with ThreadPoolExecutor(max_workers=1) as packer:
        applied = packer.submit(applied_files, manifest, catalogue.root, __version__)
        rendered = render(make_plan(manifest, catalogue, __version__), catalogue.root, folder)
        own |= applied.result()
    for path, data in own.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return tuple(sorted({*rendered, *own}))


def _make_parents(parent: Path) -> list[Path]:
    """Make `parent` and return the folders that had to be made, deepest first."""
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    return missing
