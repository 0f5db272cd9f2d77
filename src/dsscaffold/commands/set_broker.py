"""`dsscaffold set-broker`: put another broker under everything that sends and receives events."""

from __future__ import annotations

from pathlib import Path

from dsscaffold.project.known import choose
from dsscaffold.project.manifest_text import ManifestText
from dsscaffold.templating.change import Options, Request, run_change
from dsscaffold.templating.results import ChangeResult
from dsscaffold.templating.state import State


def run_set_broker(folder: Path, name: str, options: Options) -> ChangeResult:
    """Make `name` the broker of the project in `folder`.

    Raises:
        UsageError: there is no such broker.
        DsscaffoldError: the change cannot be made; nothing is changed then.
    """

    def edit(text: ManifestText, state: State) -> ManifestText:
        return text.set_word("broker", choose("broker", name, state.catalogue.brokers))

    return run_change(folder, Request("set-broker", f"Set the broker to {name}", edit), options)
