"""`dsscaffold add-service`: a service more, with everything around it that the templates give to one."""

from __future__ import annotations

from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.project.known import new_service
from dsscaffold.project.manifest import service_yaml
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.project.plan import SERVICES
from dsscaffold.templating.change import Options, Request, run_change
from dsscaffold.templating.results import ChangeResult
from dsscaffold.templating.state import State


def run_add_service(folder: Path, name: str, lang: str | None, role: str | None, options: Options) -> ChangeResult:
    """Add the service `name` to the project in `folder`, rendered from the templates that the project has.

    Raises:
        UsageError: the name is taken or will not do, or there is no such language or role.
        DsscaffoldError: the change cannot be made; nothing is changed then.
    """

    def edit(text: ManifestText, state: State) -> ManifestText:
        if name in text.services:
            raise UsageError(f"There is a service {name!r} in {text.path.name} already.", "Choose another name.")
        service = new_service(state.catalogue, name, lang, role, text.identities)
        if state.files_below(f"{SERVICES}/{name}"):
            raise UsageError(
                f"{SERVICES}/{name} holds files of yours already.", "Choose another name, or move them first."
            )
        return text.add_service(name, service_yaml(service))

    return run_change(folder, Request("add-service", f"Add the service {name}", edit), options)
