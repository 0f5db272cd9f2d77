"""Read a compose.yaml and all that it includes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dsscaffold.errors import UsageError
from dsscaffold.runtime.compose import fields
from dsscaffold.runtime.compose.env_file import parse_env
from dsscaffold.runtime.compose.keys import check_keys
from dsscaffold.runtime.compose.model import START_WITHIN, ComposeProject, ComposeService, Local, Restart
from dsscaffold.runtime.compose.order import start_order
from dsscaffold.runtime.compose.source import Source, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.compose.source import Value

_TOP_LEVEL = {"configs", "include", "name", "networks", "secrets", "services", "version", "volumes"}
_INCLUDE = {"path", "env_file", "project_directory"}


def read_compose(root: Path, environ: Mapping[str, str]) -> ComposeProject:
    """Return the services of `root`/compose.yaml that run locally, each after all it depends on.

    `environ` is the shell's environment; what it holds wins over `.env`, as in Compose.

    Raises:
        UsageError: the files say something that cannot be done without Docker, or that is wrong.
    """
    reader = _Reader(root, environ)
    reader.file(root / "compose.yaml", reader.dot_env(root, environ))
    services = {name: reader.services[name] for name in start_order(reader.services)}
    notes = [f"The variable {name} has no value; it counts as empty." for name in sorted(reader.unset)]
    if (root / "compose.override.yaml").exists():
        notes.append("compose.override.yaml is for Docker only; it is not read here.")
    return ComposeProject(root, services, tuple(notes))


class _Reader:
    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self.services: dict[str, ComposeService] = {}
        self.unset: set[str] = set()
        self._environ = environ
        self._open: list[Path] = []

    def dot_env(self, folder: Path, above: Mapping[str, str]) -> dict[str, str]:
        """Return `above` with what the .env of `folder` adds to it."""
        path = folder / ".env"
        if not path.is_file():
            return dict(above)
        return {**self._env_values(path, above), **above}

    def file(self, path: Path, variables: Mapping[str, str]) -> None:
        if path in self._open:
            raise UsageError(f"{self._shown(path)} includes itself, through {self._shown(self._open[-1])}.")
        self._open.append(path)
        top = parse(Source(path, self._shown(path), variables, self.unset)).mapping()
        for key, value in top.items():
            if key not in _TOP_LEVEL and not key.startswith("x-"):
                raise value.error(f"The key `{key}` is unknown at the top of a compose file.")
        if "include" in top:
            for item in top["include"].sequence():
                self._include(item, path.parent, variables)
        if "services" in top:
            for name, value in top["services"].mapping().items():
                self._add(name, value, path.parent)
        self._open.pop()

    def _include(self, item: Value, folder: Path, variables: Mapping[str, str]) -> None:
        if not item.is_mapping:
            path = self._existing(item, folder)
            self.file(path, self.dot_env(path.parent, variables))
            return
        keys = fields.known_keys(item, _INCLUDE, "The include")
        if "path" not in keys or "project_directory" in keys:
            raise item.error("An include needs a `path`, and no `project_directory` without Docker.")
        paths = keys["path"].sequence() if keys["path"].is_sequence else [keys["path"]]
        for path in [self._existing(value, folder) for value in paths]:
            if "env_file" in keys:
                inner = {**self._env_files(keys["env_file"], folder, variables), **variables}
            else:
                inner = self.dot_env(path.parent, variables)
            self.file(path, inner)

    def _add(self, name: str, value: Value, folder: Path) -> None:
        entries = value.mapping()
        if self._inactive(entries):
            return
        if "x-local" not in entries:
            kind = "is built from source" if "build" in entries else "is a ready-made image"
            raise value.error(
                f"`{name}` {kind}, and nothing says how it runs without Docker.",
                "Add x-local: {runtime: ..., command: [...]}; or {skip: true} to leave it out locally.",
            )
        local = fields.local(entries["x-local"])
        if local == "skip":
            return
        if name in self.services:
            raise value.error(f"`{name}` stands twice; the other is at {self.services[name].where}.")
        check_keys(entries, local, name)
        self.services[name] = self._service(name, value, folder, local)

    def _inactive(self, entries: Mapping[str, Value]) -> bool:
        if "profiles" not in entries:
            return False
        active = self._environ.get("COMPOSE_PROFILES", "").split(",")
        return not any(item.text() in active for item in entries["profiles"].sequence())

    def _service(self, name: str, value: Value, folder: Path, local: Local) -> ComposeService:
        entries = value.mapping()
        service = ComposeService(name, value.where, folder, local, self._environment(entries, folder, value))
        if "depends_on" in entries:
            service = replace(service, depends_on=fields.depends_on(entries["depends_on"]))
        if "ports" in entries and "ports" not in local.ignore:
            service = replace(service, ports=fields.ports(entries["ports"]))
        if "restart" in entries:
            service = replace(service, restart=fields.restart(entries["restart"]))
        if "stop_grace_period" in entries:
            service = replace(service, stop_grace=fields.duration(entries["stop_grace_period"]))
        if "stop_signal" in entries:
            service = replace(service, stop_signal=fields.stop_signal(entries["stop_signal"]))
        # The mounts of a ready-made image bring in what `x-local.command` finds in its own folder.
        if "volumes" in entries and "build" in entries and "volumes" not in local.ignore:
            service = replace(service, mounts=fields.mounts(entries["volumes"], folder))
        service = replace(service, start_within=_start_within(entries, local))
        if local.server is not None:
            command = fields.words(entries["command"]) if "command" in entries else ()
            service = replace(service, command=command, restart=Restart("always"))
        return service

    def _environment(self, entries: Mapping[str, Value], folder: Path, value: Value) -> dict[str, str]:
        variables = value.source.variables
        result: dict[str, str] = {}
        if "env_file" in entries:
            result.update(self._env_files(entries["env_file"], folder, variables))
        if "environment" in entries:
            result.update(fields.environment(entries["environment"], variables))
        return result

    def _env_files(self, value: Value, folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
        result: dict[str, str] = {}
        for item in value.sequence() if value.is_sequence else [value]:
            keys = fields.known_keys(item, {"path", "required"}, "`env_file`") if item.is_mapping else {}
            path = folder / keys.get("path", item).text()
            if path.is_file():
                result.update(self._env_values(path, variables, result))
            elif "required" not in keys or keys["required"].flag():
                self._existing(keys.get("path", item), folder)
        return result

    def _existing(self, value: Value, folder: Path) -> Path:
        path = folder / value.text()
        if not path.is_file():
            raise value.error(f"The file {self._shown(path)} does not exist.")
        return path

    def _env_values(
        self, path: Path, variables: Mapping[str, str], before: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{self._shown(path)} is not UTF-8 text.") from error
        return parse_env(text, self._shown(path), {**(before or {}), **variables}, self.unset.add)

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def _start_within(entries: Mapping[str, Value], local: Local) -> float:
    if local.start_within is not None:
        return local.start_within
    given = fields.patience(entries["healthcheck"]) if "healthcheck" in entries else 0.0
    # A health check that is quick to give up would only mark its container; here the process is ended.
    return max(given, START_WITHIN)
