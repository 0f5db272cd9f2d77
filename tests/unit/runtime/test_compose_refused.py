"""What a compose file may not say, and where the reader says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsscaffold.errors import UsageError
from dsscaffold.runtime.compose.model import (
    ComposeProject,
    ComposeService,
)

from .conftest import SERVICE

Write = Callable[[str, str], Path]
Read = Callable[..., ComposeProject]
One = Callable[..., ComposeService]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: {a: {build: .}}", r"compose\.yaml:1: `a` is built from source, and nothing says how"),
        ("services: {a: {image: x}}", r"`a` is a ready-made image, and nothing says how"),
        ("services: {a: {x-local: {server: kafka, hung_after: soon}}}", r"`soon` is no duration"),
        ("services: {a: {x-local: {server: kafka, start_within: soon}}}", r"`soon` is no duration"),
        ("services: {a: {x-local: {server: mysql}}}", r"The server `mysql` is unknown"),
        ("services: {a: {x-local: {runtime: pyton, command: x}}}", r"The runtime `pyton` is unknown"),
        ("services: {a: {x-local: {runtime: python}}}", r"needs a `command`"),
        ("services: {a: {x-local: {command: x}}}", r"needs a `runtime`"),
        ("services: {a: {x-local: {command: [], runtime: node}}}", r"command is empty"),
        ("services: {a: {x-local: {server: kafka, runtime: node}}}", r"not both"),
        ("services: {a: {x-local: {sever: kafka}}}", r"unknown key `sever`"),
        ("services: [a]", r"Expected a mapping"),
        ("servces: {}", r"key `servces` is unknown"),
        ("services: {a: {b: 1, b: 2}}", r"key `b` stands twice"),
        ("services:\n  a: {b\n", r"compose\.yaml:\d: This is not YAML"),
        ("", r"compose\.yaml is empty"),
        ("include: [none.yaml]", r"compose\.yaml:1: The file none\.yaml does not exist"),
        ("include: [compose.yaml]", r"compose\.yaml includes itself"),
        ("include: [{project_directory: x, path: y}]", r"no `project_directory`"),
    ],
)
def test_what_is_refused(write: Write, read: Read, text: str, message: str) -> None:
    write("compose.yaml", text)
    with pytest.raises(UsageError, match=message):
        read()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("deploy: {replicas: 2}", "key `deploy`, which cannot be honoured"),
        ("volumes: ['.:/app']", "This volume cannot be honoured"),
        ("volumes: ['./none:/srv/none:ro']", "This volume cannot be honoured"),
        ("volumes: ['data:/data:ro']", "This volume cannot be honoured"),
        ("depends_on: [b]", "`a` depends on `b`, which does not run here"),
        ("depends_on: [a]", "circle: a -> a"),
        ("depends_on: {a: {condition: healthy}}", "condition `healthy` is unknown"),
        ("depends_on: {a: {when: x}}", "unknown key `when`"),
        ("ports: ['53:53/udp']", "Only TCP"),
        ("ports: ['8000-8002:8000-8002']", "is no port"),
        ("ports: ['0:80']", "is no port"),
        ("ports: [{published: 80}]", "needs its `target`"),
        ("restart: sometimes", "policy `sometimes` is unknown"),
        ("restart: always:3", "policy `always:3` is unknown"),
        ("stop_grace_period: soon", "`soon` is no duration"),
        ("healthcheck: {start_period: soon}", "`soon` is no duration"),
        ("healthcheck: {retries: many}", "`many` is no number of retries"),
        ("stop_signal: SIGNOW", "`SIGNOW` is no signal"),
        ("env_file: none.env", "none.env does not exist"),
        ("environment: {A: [1]}", "Expected a single value"),
        ("environment: {A: '${B:?give it}'}", "B is required: give it"),
        ("environment: {A: '${B'}", "not closed"),
    ],
)
def test_a_key_that_is_refused_names_its_line(service: One, key: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("$", r"\$")) as refused:
        service(key)
    assert refused.value.message.startswith(("compose.yaml:6: ", "compose.yaml:3: "))
    assert refused.value.exit_code == 2


def test_the_same_service_in_two_files(write: Write, read: Read) -> None:
    write("compose.yaml", "include: [other.yaml]" + SERVICE.format(keys=""))
    write("other.yaml", SERVICE.format(keys=""))
    with pytest.raises(UsageError, match=r"`a` stands twice; the other is at other\.yaml:2"):
        read()


def test_a_key_that_may_be_ignored(service: One) -> None:
    with pytest.raises(UsageError, match=r"compose\.yaml:6: `a` has the key `cpus`") as refused:
        service("cpus: 2")
    assert refused.value.hint is not None
    assert "ignore: [cpus]" in refused.value.hint


def test_ignored_keys(write: Write, read: Read) -> None:
    write(
        "compose.yaml",
        "services: {a: {build: ., cpus: 2, x-local: {runtime: node, command: [node], ignore: [cpus]}}}\n",
    )
    assert read().services["a"].local.ignore == {"cpus"}


def test_warnings(write: Write, read: Read) -> None:
    write("compose.yaml", SERVICE.format(keys="environment: {A: '${NONE}'}"))
    write("compose.override.yaml", "services: {}")
    unset, override = read().warnings
    assert "NONE" in unset
    assert "compose.override.yaml" in override
