"""The applied state, `.dsscaffold/`: what the repository was last rendered from.

One file a service, so that two branches that each add a service merge without a conflict here.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from dsscaffold.project.manifest import Manifest
from dsscaffold.templating.archive import pack_templates

FOLDER = PurePosixPath(".dsscaffold")
ARCHIVE = FOLDER / "templates.tar.xz"

_HEAD = "# Written by dsscaffold: what this repository was last rendered from. Edit dsscaffold.yaml instead.\n"


def applied_files(manifest: Manifest, templates: Path, version: str) -> dict[PurePosixPath, bytes]:
    """Return the files of the applied state by their path in the repository. The same input gives the same bytes."""
    archive, digest = pack_templates(templates)
    patterns = "".join(f"  - {name}\n" for name in manifest.patterns)
    applied = (
        f"{_HEAD}version: {version}\ntemplates: sha256:{digest}\nname: {manifest.name}\nbroker: {manifest.broker}\n"
        f"patterns:{' []' if not patterns else ''}\n{patterns}"
    )
    files = {
        FOLDER / ".gitignore": b"# What `dsscaffold up` keeps here: data, logs, state.\nrun/\n",
        FOLDER / "applied.yaml": applied.encode(),
        ARCHIVE: archive,
    }
    for service in manifest.services:
        role = f"role: {service.role}\n" if service.role else ""
        text = f"{_HEAD}lang: {service.lang}\n{role}"
        files[FOLDER / "services" / f"{service.name}.yaml"] = text.encode()
    return files
