"""`dsscaffold remove-service`: take a service out again, with everything around it."""

from __future__ import annotations

from pathlib import Path

from dsscaffold.project.known import existing_service
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.templating.change import Options, Request, run_change
from dsscaffold.templating.results import ChangeResult
from dsscaffold.templating.state import State


def run_remove_service(folder: Path, name: str, options: Options, *, force: bool = False) -> ChangeResult:
    """Remove the service `name` from the project in `folder`; with `force` also what the team wrote in it.

    Raises:
        UsageError: there is no such service, or a pattern needs it.
        DsscaffoldError: the team wrote something in it and `force` is not given, or the change cannot be made.
    """

    def edit(text: ManifestText, _: State) -> ManifestText:
        return text.remove_service(existing_service(name, text.services))

    request = Request("remove-service", f"Remove the service {name}", edit, drop=name, force=force)
    return run_change(folder, request, options)
