"""Command lines that `--help` shows below the options, by verb: what a person is most likely to want next."""

from __future__ import annotations

import shutil

WIDTH = shutil.get_terminal_size().columns
#: Typer's frames have no room for the names of options in a terminal narrower than this.
FRAMED = WIDTH >= 60

EXAMPLES: dict[str, tuple[str, ...]] = {
    "new": (
        "dsscaffold new demo",
        "dsscaffold new demo --yes --up",
        "dsscaffold new demo --preset blank --service notes:python --port 8080",
        "dsscaffold new demo --answers team.yaml -o projects",
    ),
    "list": ("dsscaffold list", "dsscaffold list --json"),
    "doctor": ("dsscaffold doctor", "dsscaffold doctor --port 8080"),
    "up": ("dsscaffold up", "dsscaffold up --detach --port 8080", "dsscaffold up orders --watch"),
    "restart": ("dsscaffold restart gateway", "dsscaffold restart orders profiles"),
    "down": ("dsscaffold down", "dsscaffold down orders", "dsscaffold down --volumes"),
    "status": ("dsscaffold status", "dsscaffold status --json"),
    "logs": ("dsscaffold logs -f", "dsscaffold logs orders --tail 20"),
    "open": ("dsscaffold open", "dsscaffold open metrics", "dsscaffold open orders --print"),
    "replay": ("dsscaffold replay orders --dry-run", "dsscaffold replay orders"),
    "fetch": ("dsscaffold fetch",),
    "add-service": (
        "dsscaffold add-service payments --lang python",
        "dsscaffold add-service payments --lang python --role blank --commit",
    ),
    "remove-service": ("dsscaffold remove-service payments --dry-run", "dsscaffold remove-service payments"),
    "rename-service": ("dsscaffold rename-service payments billing",),
    "add-pattern": ("dsscaffold add-pattern resilience --dry-run", "dsscaffold add-pattern resilience"),
    "remove-pattern": ("dsscaffold remove-pattern resilience --dry-run", "dsscaffold remove-pattern resilience"),
    "set-broker": ("dsscaffold set-broker kafka --dry-run",),
    "update": ("dsscaffold update --dry-run", "dsscaffold update", "dsscaffold update --abort"),
    "diff": ("dsscaffold diff", "dsscaffold diff --patch"),
}


def epilog(verb: str) -> str:
    """Return what stands below the options of a verb."""
    lines = EXAMPLES[verb]
    heading = "Examples:" if len(lines) > 1 else "Example:"
    # Without frames the help is filled to the width, but for what stands below this letter.
    return "\n".join([*([] if FRAMED else ["\b"]), heading, *(f"  {line}" for line in lines)])
