"""Folders that are mounted into a container: a process gets a copy, in which addresses are those of this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dsscaffold.runtime.files import write_atomically
from dsscaffold.runtime.local.addresses import rewrite

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.compose.model import ComposeService, Mount
    from dsscaffold.runtime.local.addresses import Address


def write_mounts(service: ComposeService, folder: Path, addresses: Mapping[str, Address]) -> None:
    """Copy the text files that `service` mounts below `folder`, each replaced whole: a running process may read them.

    Raises:
        UsageError: a file is no UTF-8 text.
    """
    for mount in service.mounts:
        copy = _copy(mount, service, folder)
        copy.mkdir(parents=True, exist_ok=True)
        sources = {path.name: path for path in mount.source.iterdir() if path.is_file()}
        for name, source in sources.items():
            try:
                text = source.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise service.error(f"{source.name} in a mounted folder is not UTF-8 text.") from error
            write_atomically(copy / name, rewrite(text, addresses))
        for path in copy.iterdir():
            if path.name not in sources:
                path.unlink()


def with_mounts(service: ComposeService, folder: Path) -> ComposeService:
    """Return `service` with the paths of these copies wherever its environment names a path below a mounted folder."""
    environment = dict(service.environment)
    for mount in service.mounts:
        for name, value in environment.items():
            if value == mount.target or value.startswith(f"{mount.target}/"):
                environment[name] = f"{_copy(mount, service, folder)}{value.removeprefix(mount.target)}"
    return replace(service, environment=environment)


def _copy(mount: Mount, service: ComposeService, folder: Path) -> Path:
    return folder / service.name / mount.target.strip("/").replace("/", "-")
