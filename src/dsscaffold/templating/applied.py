"""The applied state, `.dsscaffold/`: what the repository was last rendered from.

One file a service, so that two branches that each add a service merge without a conflict here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.project.manifest import Manifest, Service
from dsscaffold.project.yaml_source import parse_yaml
from dsscaffold.templating.archive import pack_templates, read_templates

FOLDER = PurePosixPath(".dsscaffold")
ARCHIVE = FOLDER / "templates.tar.xz"
IGNORED = FOLDER / ".gitignore"

_APPLIED = FOLDER / "applied.yaml"
_SERVICES = FOLDER / "services"
_HEAD = "# Written by dsscaffold: what this repository was last rendered from. Edit dsscaffold.yaml instead.\n"
_SUM = "sha256:"


@dataclass(frozen=True)
class Applied:
    """What a repository was last rendered from; `archive` is None where it was removed."""

    manifest: Manifest
    version: str
    digest: str
    archive: bytes | None


def applied_files(manifest: Manifest, folder: Path, version: str) -> dict[PurePosixPath, bytes]:
    """Return the applied state after rendering from the templates in `folder`; the same input gives the same bytes.

    They are files by their path in the repository.
    """
    templates = read_templates(folder)
    return state_files(Applied(manifest, version, templates.digest, pack_templates(templates)))


def state_files(applied: Applied) -> dict[PurePosixPath, bytes]:
    """Return the files that say `applied`."""
    manifest = applied.manifest
    patterns = "".join(f"  - {name}\n" for name in manifest.patterns)
    text = (
        f"{_HEAD}version: {applied.version}\ntemplates: {_SUM}{applied.digest}\n"
        f"name: {manifest.name}\n{_license(manifest)}broker: {manifest.broker}\n"
        f"patterns:{' []' if not patterns else ''}\n{patterns}"
    )
    files = {
        IGNORED: b"# What `dsscaffold up` keeps here: data, logs, state.\nrun/\n",
        _APPLIED: text.encode(),
    }
    if applied.archive is not None:
        files[ARCHIVE] = applied.archive
    for service in manifest.services:
        fields = {"lang": service.lang, "role": service.role, "id": service.id}
        lines = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
        files[_SERVICES / f"{service.name}.yaml"] = f"{_HEAD}{lines}".encode()
    return files


def read_applied(files: Mapping[PurePosixPath, bytes]) -> Applied:
    """Read the files of the applied state back.

    Raises:
        DsscaffoldError: they are missing, or say something that dsscaffold never wrote.
    """
    if _APPLIED not in files:
        hint = "Run this in a repository that `dsscaffold new` made, with .dsscaffold/ committed."
        raise DsscaffoldError(f"{_APPLIED} is not in git here, so nothing is known to merge with.", hint)
    data = _mapping(_APPLIED, files[_APPLIED])
    services = []
    for path in sorted(files):
        if path.parent == _SERVICES and path.suffix == ".yaml":
            fields = _mapping(path, files[path])
            services.append(Service(path.stem, _word(path, fields, "lang"), fields.get("role"), fields.get("id")))
    manifest = Manifest(
        _word(_APPLIED, data, "name"),
        _word(_APPLIED, data, "broker"),
        tuple(sorted(map(str, data.get("patterns") or ()))),
        tuple(sorted(services, key=lambda service: service.name)),
        _word(_APPLIED, data, "license") if "license" in data else None,
        _word(_APPLIED, data, "copyright") if "copyright" in data else None,
    )
    digest = _word(_APPLIED, data, "templates").removeprefix(_SUM)
    return Applied(manifest, _word(_APPLIED, data, "version"), digest, files.get(ARCHIVE))


def _license(manifest: Manifest) -> str:
    """Return the lines about the license as the manifest has them: as many as are known."""
    return "".join(f"{line}\n" for line in manifest.license_lines())


def read_applied_in(project: Path) -> Applied:
    """Read what the work tree of a project says, apart from the archive: it is quick.

    Raises:
        DsscaffoldError: it is missing, or says something that dsscaffold never wrote.
    """
    paths = [_APPLIED, *(_SERVICES / path.name for path in (project / _SERVICES).glob("*.yaml"))]
    try:
        return read_applied({path: (project / path).read_bytes() for path in paths})
    except OSError as error:
        raise DsscaffoldError(
            f"{error.filename} cannot be read: {error.strerror}.", "git checkout HEAD -- .dsscaffold"
        ) from error


def applied_manifest(project: Path) -> Manifest | None:
    """Return the manifest that a project was last rendered from, None where that cannot be read."""
    try:
        return read_applied_in(project).manifest
    except DsscaffoldError:
        return None


def is_state(path: PurePosixPath) -> bool:
    """Return whether `path` is a file that `state_files` writes, for some state."""
    if path.parent == _SERVICES:
        return path.suffix == ".yaml"
    return path in {_APPLIED, ARCHIVE, IGNORED}


def _mapping(path: PurePosixPath, content: bytes) -> dict[str, Any]:
    try:
        data = parse_yaml(Path(path), content.decode()).data
    except (UsageError, UnicodeDecodeError) as error:
        raise _broken(path) from error
    if not isinstance(data, dict):
        raise _broken(path)
    return data


def _word(path: PurePosixPath, data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise _broken(path)
    return value


def _broken(path: PurePosixPath) -> DsscaffoldError:
    return DsscaffoldError(
        f"{path} does not say what dsscaffold wrote there; conflict markers?",
        f"Take one side as it is, e.g. git checkout HEAD~1 -- {path.parent}, commit, and run dsscaffold update.",
    )
