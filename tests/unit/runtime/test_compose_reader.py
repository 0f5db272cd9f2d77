from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsscaffold.errors import UsageError
from dsscaffold.runtime.compose.model import (
    ComposeProject,
    ComposeService,
    Dependency,
    Local,
    PublishedPort,
    Restart,
)
from dsscaffold.runtime.compose.order import start_order, with_needs
from dsscaffold.runtime.compose.reader import read_compose

Write = Callable[[str, str], Path]

#: A service with room for more keys, which start with a line break.
SERVICE = """
services:
  a:
    build: .
    x-local: {{runtime: python, command: [python, -m, app]}}
    {keys}
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ComposeProject]:
    def read_with(**environ: str) -> ComposeProject:
        return read_compose(tmp_path, environ)

    return read_with


@pytest.fixture
def service(tmp_path: Path) -> Callable[..., ComposeService]:
    """Read a service that has some more keys."""

    def read_service(*keys: str, **environ: str) -> ComposeService:
        (tmp_path / "compose.yaml").write_text(SERVICE.format(keys="\n    ".join(keys)))
        return read_compose(tmp_path, environ).services["a"]

    return read_service


Read = Callable[..., ComposeProject]
One = Callable[..., ComposeService]


def test_a_project_of_several_files(write: Write, read: Read, tmp_path: Path) -> None:
    write(
        "compose.yaml", "name: demo\ninclude: [infra/compose.yaml, {path: gateway/compose.yaml}]\nvolumes: {data: }\n"
    )
    write("infra/compose.yaml", "services: {postgres: {image: pg, volumes: ['d:/d'], x-local: {server: postgres}}}\n")
    write("gateway/upstreams.env", "ORDERS_URL=http://orders:8000\n")
    write(
        "gateway/compose.yaml",
        """
        services:
          gateway:
            build: {context: ., target: run}
            init: true
            restart: unless-stopped
            env_file: upstreams.env
            environment: {PORT: 3000, FLAG: true, ORDERS_URL: "$OVER", EMPTY: ""}
            ports: ["${GATEWAY_PORT:-3000}:3000"]
            depends_on: {postgres: {condition: service_healthy}}
            stop_grace_period: 1m30s
            stop_signal: SIGINT
            healthcheck: {test: [CMD, "true"]}
            x-local: {runtime: node, command: node src/server.ts}
        """,
    )
    project = read(OVER="o", GATEWAY_PORT="3100")
    assert list(project.services) == ["postgres", "gateway"]
    assert project.warnings == ()
    assert project.services["postgres"].local == Local(server="postgres")
    gateway = project.services["gateway"]
    assert gateway == ComposeService(
        name="gateway",
        where="gateway/compose.yaml:2",
        folder=tmp_path / "gateway",
        local=Local(runtime="node", command=("node", "src/server.ts")),
        environment={"ORDERS_URL": "o", "PORT": "3000", "FLAG": "true", "EMPTY": ""},
        depends_on=(Dependency("postgres", "service_healthy"),),
        ports=(PublishedPort(3100, 3000),),
        restart=Restart("unless-stopped"),
        stop_grace=90.0,
        stop_signal="SIGINT",
    )


@pytest.mark.parametrize(
    ("keys", "environment"),
    [
        (["environment: [A=1, B=x=y, C, D]"], {"A": "1", "B": "x=y", "C": "shell"}),
        (["environment: {A: 1, B: 010, C: , D: , E: 1e3, F: null}"], {"A": "1", "B": "010", "C": "shell", "E": "1e3"}),
        (["environment: {A: '$$HOME ${C}'}"], {"A": "$HOME shell"}),
        (["environment: {C: '${F:-d}'}"], {"C": "d"}),
    ],
)
def test_forms_of_environment(service: One, keys: list[str], environment: dict[str, str]) -> None:
    assert service(*keys, C="shell").environment == environment


def test_env_files_in_order_and_below_environment(write: Write, service: One) -> None:
    write("one.env", "A=1\nB=1\nC=1\n")
    write("two.env", "B=2\nC=${A}\n")
    files = "env_file: [one.env, {path: two.env}, {path: none.env, required: false}]"
    assert service(files, "environment: {A: own}").environment == {"A": "own", "B": "2", "C": "1"}


def test_dot_env_gives_way_to_the_shell(write: Write, service: One) -> None:
    write(".env", "A=file\nB=file\n")
    assert service("environment: {X: '${A} ${B}'}", B="shell").environment == {"X": "file shell"}


def test_an_included_folder_has_a_dot_env_of_its_own(write: Write, read: Read) -> None:
    write("compose.yaml", "include: [sub/compose.yaml]\n")
    write("sub/compose.yaml", SERVICE.format(keys="environment: {X: '${A} ${B}'}"))
    write(".env", "A=root\n")
    write("sub/.env", "A=sub\nB=sub\n")
    assert read().services["a"].environment == {"X": "root sub"}


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("'3000:3000'", (PublishedPort(3000, 3000),)),
        ("127.0.0.1:8080:80/tcp", (PublishedPort(8080, 80),)),
        ("8000", ()),
        ("{target: 80, published: '8080', host_ip: 127.0.0.1}", (PublishedPort(8080, 80),)),
    ],
)
def test_forms_of_ports(service: One, port: str, expected: tuple[PublishedPort, ...]) -> None:
    assert service(f"ports: [{port}]").ports == expected


def test_anchors_and_merge_keys(write: Write, read: Read) -> None:
    write(
        "compose.yaml",
        """
        x-common: &common
          build: .
          restart: always
          environment: {A: "1"}
          x-local: {runtime: python, command: [python]}
        services:
          a: {<<: *common}
          b: {<<: *common, restart: "no"}
        """,
    )
    services = read().services
    assert services["a"].restart == Restart("always")
    assert services["b"].restart == Restart("no")
    assert services["b"].environment == {"A": "1"}


def test_profiles_and_skipped_services_are_left_out(write: Write, read: Read) -> None:
    write(
        "compose.yaml",
        """
        services:
          ui: {image: ui, x-local: {skip: true}}
          tool: {image: tool, profiles: [tools], x-local: {runtime: node, command: [node]}}
        """,
    )
    assert list(read().services) == []
    assert list(read(COMPOSE_PROFILES="tools,x").services) == ["tool"]


def test_a_server_is_not_asked_for_its_container_keys(write: Write, read: Read) -> None:
    write("compose.yaml", "services: {kafka: {image: k, cpus: 2, command: [run], x-local: {server: kafka}}}\n")
    kafka = read().services["kafka"]
    assert kafka.command == ("run",)
    assert kafka.restart == Restart("always")


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: {a: {build: .}}", r"compose\.yaml:1: `a` is built from source, and nothing says how"),
        ("services: {a: {image: x}}", r"`a` is a ready-made image, and nothing says how"),
        ("services: {a: {x-local: {server: kafka, hung_after: soon}}}", r"`soon` is no duration"),
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


def test_a_dependency_that_is_not_required(service: One) -> None:
    assert service("depends_on: {b: {condition: service_healthy, required: false}}").depends_on == (
        Dependency("b", "service_healthy", required=False),
    )


def test_the_same_service_in_two_files(write: Write, read: Read) -> None:
    write("compose.yaml", "include: [other.yaml]" + SERVICE.format(keys=""))
    write("other.yaml", SERVICE.format(keys=""))
    with pytest.raises(UsageError, match=r"`a` stands twice; the other is at other\.yaml:2"):
        read()


def test_warnings(write: Write, read: Read) -> None:
    write("compose.yaml", SERVICE.format(keys="environment: {A: '${NONE}'}"))
    write("compose.override.yaml", "services: {}")
    unset, override = read().warnings
    assert "NONE" in unset
    assert "compose.override.yaml" in override


@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7)), min_size=8, max_size=8))
def test_any_graph_is_sorted_or_refused(graph: dict[int, set[int]]) -> None:
    services = {
        str(name): ComposeService(str(name), "f:1", Path(), Local(), {}, tuple(Dependency(str(n)) for n in needs))
        for name, needs in graph.items()
    }
    try:
        order = start_order(services)
    except UsageError as error:
        circle = error.message.partition("circle: ")[2].rstrip(".").split(" -> ")
        assert circle[0] == circle[-1]
        assert all(int(b) in graph[int(a)] for a, b in pairwise(circle))
    else:
        assert sorted(order) == sorted(services)
        for name, needs in graph.items():
            assert all(order.index(str(need)) < order.index(str(name)) for need in needs)


@pytest.mark.parametrize(("text", "seconds"), [("", 10.0), (", hung_after: 1m", 60.0), (", hung_after: 0s", 0.0)])
def test_when_a_process_counts_as_hung(write: Write, read: Read, text: str, seconds: float) -> None:
    write("compose.yaml", f"services: {{a: {{image: x, x-local: {{server: kafka{text}}}}}}}\n")
    assert read().services["a"].local.hung_after == seconds


def test_what_is_chosen_comes_with_what_it_needs(write: Write, read: Read) -> None:
    local = "image: x, x-local: {runtime: node, command: [node]}"
    write(
        "compose.yaml",
        f"services:\n  a: {{{local}}}\n  b: {{{local}, depends_on: [a]}}\n  c: {{{local}, depends_on: [b]}}\n",
    )
    services = read().services
    assert with_needs(["c"], services) == ("a", "b", "c")
    assert with_needs(["b"], services) == ("a", "b")
    assert with_needs(["c"], services, lambda name: name == "b") == ("c",)
    assert with_needs(["a"], services, lambda name: name == "a") == ()
