"""What a shell completes: names of the catalogue, and of the repository that the current folder lies in.

Whatever is wrong there completes to nothing: an error has no place in a line that is being typed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from dsscaffold.project.catalogue import Catalogue
    from dsscaffold.project.manifest import Manifest

Complete = Callable[[typer.Context, str], list[tuple[str, str]]]


def complete_choice(kind: str) -> Complete:
    """Return a completion of the names of one kind in the catalogue ("patterns"), each with its summary."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        from dsscaffold.commands.catalogue import run_list

        catalogue = _catalogue(ctx)
        choices = run_list(catalogue).choices[kind] if catalogue else ()
        return [(choice.name, choice.summary) for choice in choices if choice.name.startswith(incomplete)]

    return complete


def complete_language(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the languages that services are written in."""
    catalogue = _catalogue(ctx)
    return [name for name in (catalogue.languages if catalogue else ()) if name.startswith(incomplete)]


def complete_new_pattern(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the patterns that the repository does not have."""
    manifest = _manifest(ctx)
    chosen = manifest.patterns if manifest else ()
    return [choice for choice in complete_choice("patterns")(ctx, incomplete) if choice[0] not in chosen]


def complete_pattern(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the patterns that the repository has."""
    manifest = _manifest(ctx)
    return [name for name in (manifest.patterns if manifest else ()) if name.startswith(incomplete)]


def complete_member(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the services in the repository's dsscaffold.yaml."""
    manifest = _manifest(ctx)
    services = manifest.services if manifest else ()
    return [service.name for service in services if service.name.startswith(incomplete)]


def complete_service(incomplete: str) -> list[str]:
    """Complete all that compose.yaml runs."""
    return [name for name in _running() if name.startswith(incomplete)]


def complete_topic(incomplete: str) -> list[str]:
    """Complete the topics that the contracts of the repository tell of: those of all, and each service's own."""
    import yaml

    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.project.location import find_project

    try:
        folder = find_project(Path.cwd())
        topics = [path.parent.name for path in folder.glob("services/*/contracts")]
        if (document := folder / "contracts" / "asyncapi.yaml").is_file():
            channels = yaml.safe_load(document.read_text(encoding="utf-8"))["channels"].values()
            addresses = [str(channel["address"]) for channel in channels]
            topics += [address for address in addresses if not address.endswith(".dlq")]
    except (DsscaffoldError, OSError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return sorted(topic for topic in topics if topic.startswith(incomplete))


def complete_page(incomplete: str) -> list[str]:
    """Complete what `open` can open."""
    from dsscaffold.commands.open import PAGES

    return [name for name in [*PAGES, *_running("service")] if name.startswith(incomplete)]


def _catalogue(ctx: typer.Context) -> Catalogue | None:
    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.project.catalogue import find_templates, load_catalogue

    # Typer gives the folder as a text while it completes.
    named = ctx.params.get("templates")
    try:
        return load_catalogue(find_templates(Path(named) if named else None))
    except (DsscaffoldError, OSError):
        return None


def _manifest(ctx: typer.Context) -> Manifest | None:
    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.project.location import find_project
    from dsscaffold.project.manifest import MANIFEST_NAME, load_manifest

    catalogue = _catalogue(ctx)
    try:
        return load_manifest(find_project(Path.cwd()) / MANIFEST_NAME, catalogue) if catalogue else None
    except (DsscaffoldError, OSError):
        return None


def _running(*kinds: str) -> list[str]:
    """Return the names of what runs in the repository, or would; without `kinds` of everything."""
    from dsscaffold.errors import DsscaffoldError
    from dsscaffold.runtime.choose import backend_for
    from dsscaffold.runtime.repo import find_repo

    try:
        services = backend_for(find_repo(Path.cwd())).status().services
    except (DsscaffoldError, OSError):
        return []
    return [service.name for service in services if not kinds or service.kind in kinds]
