"""`dsscaffold rename-service`: give a service another name; what the team wrote in it moves along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.project.known import existing_service
from dsscaffold.project.manifest import parse_manifest, service_yaml
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.project.names import check_service_name
from dsscaffold.project.plan import SERVICES
from dsscaffold.templating.change import Options, Request, run_change
from dsscaffold.templating.results import ChangeResult
from dsscaffold.templating.state import State


def run_rename_service(folder: Path, old: str, new: str, options: Options) -> ChangeResult:
    """Rename the service `old` of the project in `folder` to `new`.

    Raises:
        UsageError: there is no such service, or the new name is taken or will not do.
        DsscaffoldError: the change cannot be made; nothing is changed then.
    """

    def edit(text: ManifestText, state: State) -> ManifestText:
        existing_service(old, text.services)
        check_service_name(new)
        moved = not state.files_below(f"{SERVICES}/{old}")
        # Where the team has moved the folder by hand, that is the half of it.
        if new in text.services or (state.files_below(f"{SERVICES}/{new}") and not moved):
            raise UsageError(f"{SERVICES}/{new} is there already.", "Choose another name.")
        services = parse_manifest(text.path, text.text, state.catalogue).services
        service = next(service for service in services if service.name == old)
        identity = None if service.identity == new else service.identity
        return text.rename_service(old, new, service_yaml(replace(service, name=new, id=identity)))

    return run_change(folder, Request("rename-service", f"Rename the service {old} to {new}", edit), options)
