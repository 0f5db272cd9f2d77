"""Read the single keys of a Compose service."""

from __future__ import annotations

import re
import shlex
import signal
from typing import TYPE_CHECKING, Literal, TypeVar

from dsscaffold.project.names import did_you_mean
from dsscaffold.runtime.compose.model import (
    CONDITIONS,
    HUNG_AFTER,
    RESTART_MODES,
    RUNTIMES,
    SERVERS,
    Dependency,
    Local,
    Mount,
    PublishedPort,
    Restart,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from pathlib import Path

    from dsscaffold.runtime.compose.source import Value

Entries = dict[str, "Value"]
_Word = TypeVar("_Word", bound=str)
_LOCAL_KEYS = {"server", "runtime", "command", "ignore", "skip", "hung_after", "start_within"}
_MOUNT = re.compile(r"(?P<source>\.[^:]*):(?P<target>/[^:]+):ro")
#: What Compose takes where a health check does not say.
_INTERVAL_SECONDS = 30.0
_RETRIES = 3
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")


def one_of(value: Value, words: tuple[_Word, ...], what: str) -> _Word:
    """Return the word that `value` says, or refuse it with the nearest valid one."""
    text = value.text()
    for word in words:
        if word == text:
            return word
    raise value.error(f"{what} `{text}` is unknown.", did_you_mean(text, words))


def known_keys(value: Value, keys: Set[str], what: str) -> Entries:
    """Return the entries of a mapping that may have only `keys`."""
    entries = value.mapping()
    for key, entry in entries.items():
        if key not in keys:
            raise entry.error(f"{what} has an unknown key `{key}`.", did_you_mean(key, keys))
    return entries


def words(value: Value) -> tuple[str, ...]:
    """Return a command: a list, or one line as a shell would split it."""
    if value.is_sequence:
        return tuple(item.text() for item in value.sequence())
    try:
        return tuple(shlex.split(value.text()))
    except ValueError as error:
        raise value.error(f"This command line cannot be read: {error}.") from error


def environment(value: Value, variables: Mapping[str, str]) -> dict[str, str]:
    """Return a mapping or a list of KEY=value; a key alone passes on the value that the shell has."""
    result: dict[str, str] = {}
    if value.is_sequence:
        for item in value.sequence():
            key, equals, text = item.text().partition("=")
            _set(result, key, text if equals else variables.get(key))
    else:
        for key, entry in value.mapping().items():
            _set(result, key, variables.get(key) if entry.is_null else entry.text())
    return result


def _set(result: dict[str, str], key: str, text: str | None) -> None:
    result.pop(key, None)
    if text is not None:
        result[key] = text


def depends_on(value: Value) -> tuple[Dependency, ...]:
    """Return the short form (a list of names) or the long form (conditions)."""
    if value.is_sequence:
        return tuple(Dependency(item.text()) for item in value.sequence())
    found = []
    for name, entry in value.mapping().items():
        keys = known_keys(entry, {"condition", "required", "restart"}, f"The dependency `{name}`")
        condition = one_of(keys["condition"], CONDITIONS, "The condition") if "condition" in keys else "service_started"
        found.append(Dependency(name, condition, keys["required"].flag() if "required" in keys else True))
    return tuple(found)


def ports(value: Value) -> tuple[PublishedPort, ...]:
    """Return the ports that the host is to publish; a container port alone asks for none in particular."""
    found = (_long_port(item) if item.is_mapping else _short_port(item) for item in value.sequence())
    return tuple(port for port in found if port is not None)


def _short_port(value: Value) -> PublishedPort | None:
    text = value.text()
    protocol = text.partition("/")[2]
    *_, published, target = ["", "", *text.partition("/")[0].rsplit(":", 2)]
    if protocol not in ("", "tcp"):
        raise value.error(f"Only TCP ports can be published without Docker, not `{text}`.")
    return _port(value, published, target)


def _long_port(value: Value) -> PublishedPort | None:
    keys = known_keys(value, {"target", "published", "host_ip", "protocol", "mode", "name", "app_protocol"}, "The port")
    if "protocol" in keys:
        one_of(keys["protocol"], ("tcp",), "The protocol")
    if "target" not in keys:
        raise value.error("A port needs its `target`.")
    return _port(value, keys["published"].text() if "published" in keys else "", keys["target"].text())


def _port(value: Value, published: str, target: str) -> PublishedPort | None:
    for text in (published or "1", target):
        if not text.isdecimal() or not 1 <= int(text) <= 65535:
            raise value.error(f"`{text}` is no port that can be published without Docker (1 to 65535, no range).")
    return PublishedPort(int(published), int(target)) if published else None


def mounts(value: Value, folder: Path) -> tuple[Mount, ...]:
    """Return the folders that are mounted to be read; no other volume can be had without a container."""
    found = []
    for item in value.sequence():
        match = None if item.is_mapping else _MOUNT.fullmatch(item.text())
        if match is None or not (folder / match["source"]).is_dir():
            raise item.error(
                "This volume cannot be honoured without a container: only a folder beside this file can, read-only.",
                "Example: ./settings:/srv/settings:ro; or leave all out locally: x-local: {ignore: [volumes]}",
            )
        found.append(Mount(folder / match["source"], match["target"].rstrip("/")))
    return tuple(found)


def duration(value: Value) -> float:
    """Return seconds: `10s`, `1m30s`, `500ms`."""
    text = value.text()
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise value.error(f"`{text}` is no duration. Examples: 10s, 1m30s, 500ms.")
    hours, minutes, seconds, millis = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + millis / 1000


def patience(value: Value) -> float:
    """Return the seconds after which a health check gives a container up: its start period, and then all its tries."""
    keys = value.mapping()
    if "disable" in keys and keys["disable"].flag():
        return 0.0
    period = duration(keys["start_period"]) if "start_period" in keys else 0.0
    interval = duration(keys["interval"]) if "interval" in keys else _INTERVAL_SECONDS
    retries = keys["retries"].text() if "retries" in keys else str(_RETRIES)
    if not retries.isdecimal():
        raise keys["retries"].error(f"`{retries}` is no number of retries.")
    return period + int(retries) * interval


def restart(value: Value) -> Restart:
    """Return the policy; `on-failure:3` bounds the number of restarts, and `:0` does not."""
    word, _, limit = value.text().partition(":")
    for mode in RESTART_MODES:
        if mode == word and (not limit or (mode == "on-failure" and limit.isdecimal())):
            return Restart(mode, int(limit or 0) or None)
    raise value.error(f"The restart policy `{value.text()}` is unknown.", did_you_mean(word, RESTART_MODES))


def stop_signal(value: Value) -> str:
    """Return the name of a signal, with its SIG."""
    text = value.text().upper()
    name = text if text.startswith("SIG") else f"SIG{text}"
    if name not in signal.Signals.__members__:
        raise value.error(f"`{value.text()}` is no signal.")
    return name


def local(value: Value) -> Local | Literal["skip"]:
    """Return the `x-local` key, or "skip" for a service that has no part in a local run."""
    keys = known_keys(value, _LOCAL_KEYS, "`x-local`")
    if "skip" in keys and keys["skip"].flag():
        return "skip"
    ignore = frozenset(item.text() for item in keys["ignore"].sequence()) if "ignore" in keys else frozenset()
    hung_after = duration(keys["hung_after"]) if "hung_after" in keys else HUNG_AFTER
    start_within = duration(keys["start_within"]) if "start_within" in keys else None
    if "server" in keys:
        if "runtime" in keys or "command" in keys:
            raise value.error("`x-local` names a `server`, or a `runtime` with its `command`, not both.")
        server = one_of(keys["server"], SERVERS, "The server")
        return Local(server=server, ignore=ignore, hung_after=hung_after, start_within=start_within)
    if "runtime" not in keys or "command" not in keys:
        missing: Literal["runtime", "command"] = "command" if "runtime" in keys else "runtime"
        raise value.error(
            f"`x-local` needs a `{missing}`.", "Example: x-local: {runtime: python, command: [python, -m, app]}"
        )
    command = words(keys["command"])
    if not command:
        raise keys["command"].error("The command is empty.")
    runtime = one_of(keys["runtime"], RUNTIMES, "The runtime")
    return Local(runtime=runtime, command=command, ignore=ignore, hung_after=hung_after, start_within=start_within)
