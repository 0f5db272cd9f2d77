"""Which keys of a Compose service mean something to a process that runs without a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsscaffold.runtime.compose.model import Local
    from dsscaffold.runtime.compose.source import Value

#: Read, and done as they say.
HONOURED = {
    "depends_on",
    "env_file",
    "environment",
    "ports",
    "profiles",
    "restart",
    "stop_grace_period",
    "stop_signal",
    "volumes",
    "x-local",
}

#: What `x-local` stands for: the program in the image, how it is called, and how its health is asked.
REPLACED = {"build", "command", "entrypoint", "healthcheck", "image", "platform", "pull_policy", "working_dir"}

#: Packaging, names, and limits on what a process may do: a program that needs none of them does not miss them.
WITHOUT_EFFECT = {
    "annotations",
    "cap_add",
    "cap_drop",
    "container_name",
    "develop",
    "expose",
    "hostname",
    "init",
    "labels",
    "logging",
    "networks",
    "read_only",
    "security_opt",
    "tmpfs",
    "user",
}


def check_keys(entries: Mapping[str, Value], local: Local, name: str) -> None:
    """Refuse a key that an app would miss; a server of ours replaces its container whole.

    Raises:
        UsageError: it names the file, the line and the key.
    """
    if local.server is not None:
        return
    allowed = HONOURED | REPLACED | WITHOUT_EFFECT | local.ignore
    for key, value in entries.items():
        if key not in allowed and not key.startswith("x-"):
            raise value.error(
                f"`{name}` has the key `{key}`, which cannot be honoured without a container.",
                f"If it may be left out locally, add `x-local: {{ignore: [{key}]}}` to `{name}`.",
            )
