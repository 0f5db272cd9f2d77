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

from .conftest import SERVICE

Write = Callable[[str, str], Path]
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
        start_within=90.0,
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


@pytest.mark.parametrize(
    ("text", "limit"), [("on-failure", None), ("on-failure:3", 3), ("on-failure:0", None), ("on-failure:08", 8)]
)
def test_how_often_a_job_is_tried_again(service: Callable[..., ComposeService], text: str, limit: int | None) -> None:
    assert service(f"restart: {text}").restart == Restart("on-failure", limit)


def test_a_dependency_that_is_not_required(service: One) -> None:
    assert service("depends_on: {b: {condition: service_healthy, required: false}}").depends_on == (
        Dependency("b", "service_healthy", required=False),
    )


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


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        ((), 60.0),
        (("healthcheck: {interval: 3s, retries: 10, start_period: 60s}",), 90.0),
        (("healthcheck: {start_period: 2m}",), 210.0),
        (("healthcheck: {interval: 1s, retries: 3}",), 60.0),
        (("healthcheck: {disable: true}",), 60.0),
    ],
)
def test_how_long_a_first_answer_may_take(service: One, keys: tuple[str, ...], seconds: float) -> None:
    assert service(*keys).start_within == seconds


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5.0), ("0s", 0.0)])
def test_how_long_a_first_answer_may_take_here(write: Write, read: Read, text: str, seconds: float) -> None:
    write(
        "compose.yaml",
        f"""
        services:
          a:
            image: x
            healthcheck: {{start_period: 300s}}
            x-local: {{server: kafka, start_within: {text}}}
        """,
    )
    assert read().services["a"].start_within == seconds


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
