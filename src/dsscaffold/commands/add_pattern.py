"""`dsscaffold add-pattern`: a pattern of the catalogue more, in every part that it has something for."""

from __future__ import annotations

from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.project.known import choose
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.templating.change import Options, Request, run_change
from dsscaffold.templating.results import ChangeResult
from dsscaffold.templating.state import State


def run_add_pattern(folder: Path, name: str, options: Options) -> ChangeResult:
    """Add the pattern `name` to the project in `folder`.

    Raises:
        UsageError: there is no such pattern, it is there already, or it needs what is not there.
        DsscaffoldError: the change cannot be made; nothing is changed then.
    """

    def edit(text: ManifestText, state: State) -> ManifestText:
        choose("pattern", name, state.catalogue.patterns)
        patterns = text.patterns
        if name in patterns:
            raise UsageError(
                f"The pattern {name!r} is in {text.path.name} already.", "What else there is: dsscaffold list"
            )
        more = [*patterns, name]
        return text.set_list("patterns", sorted(more) if patterns == sorted(patterns) else more)

    return run_change(folder, Request("add-pattern", f"Add the pattern {name}", edit), options)
