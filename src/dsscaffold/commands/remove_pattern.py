"""`dsscaffold remove-pattern`: take a pattern out again; what the team changed in it comes back as a conflict."""

from __future__ import annotations

from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.project.names import did_you_mean
from dsscaffold.templating.change import Options, Request, run_change
from dsscaffold.templating.results import ChangeResult
from dsscaffold.templating.state import State


def run_remove_pattern(folder: Path, name: str, options: Options) -> ChangeResult:
    """Remove the pattern `name` from the project in `folder`.

    Raises:
        UsageError: it is not there, or something that stays needs it.
        DsscaffoldError: the change cannot be made; nothing is changed then.
    """

    def edit(text: ManifestText, _: State) -> ManifestText:
        patterns = text.patterns
        if name not in patterns:
            raise UsageError(f"There is no pattern {name!r} in {text.path.name}.", did_you_mean(name, patterns))
        return text.set_list("patterns", [pattern for pattern in patterns if pattern != name])

    return run_change(folder, Request("remove-pattern", f"Remove the pattern {name}", edit), options)
