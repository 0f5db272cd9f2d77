from __future__ import annotations

from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.compose.model import (
    ComposeProject,
    ComposeService,
    Dependency,
    Local,
    PublishedPort,
    Restart,
)
from dsscaffold.runtime.local.addresses import Address, assign, rewrite
from dsscaffold.runtime.local.plan import Tools, app_unit, kind_of
from dsscaffold.runtime.ports import RANGE, PortBook, is_free

ADDRESSES = {
    "orders": Address(8000, 21001),
    "my-orders": Address(8000, 21002),
    "postgres": Address(5432, 21003),
    "kafka": Address(9092, 21004),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kafka:9092", "127.0.0.1:21004"),
        ("kafka:9092,kafka:9092", "127.0.0.1:21004,127.0.0.1:21004"),
        ("http://orders:8000/x?y=http://my-orders:8000", "http://127.0.0.1:21001/x?y=http://127.0.0.1:21002"),
        ("postgresql://orders:orders@postgres:5432/orders", "postgresql://orders:orders@127.0.0.1:21003/orders"),
        ("postgresql://orders:8000@postgres:5432/orders", "postgresql://orders:8000@127.0.0.1:21003/orders"),
        ("orders:80001 orders:800 orders:9", "orders:80001 orders:800 orders:9"),
        (
            "http://orders.example:8000 x.orders:8000 big-orders:8000",
            "http://orders.example:8000 x.orders:8000 big-orders:8000",
        ),
        ("orders", "orders"),
        ("", ""),
    ],
)
def test_addresses_in_a_value(text: str, expected: str) -> None:
    assert rewrite(text, ADDRESSES) == expected


def app(name: str, *, ports: tuple[PublishedPort, ...] = (), restart: str = "always", **env: str) -> ComposeService:
    local = Local(runtime="python", command=("python", "-m", "app"))
    mode = Restart(restart)  # type: ignore[arg-type]
    return ComposeService(name, f"{name}.yaml:1", Path("/repo") / name, local, env, (), ports, mode)


def project(*services: ComposeService) -> ComposeProject:
    return ComposeProject(Path("/repo"), {service.name: service for service in services})


@pytest.fixture
def book(tmp_path: Path) -> PortBook:
    return PortBook(tmp_path / "ports.json", tmp_path, tmp_path)


def test_who_gets_which_port(book: PortBook) -> None:
    published = next(port for port in range(31000, 32000) if is_free(port))
    kafka = ComposeService("kafka", "k:1", Path(), Local(server="kafka"), {})
    gateway = app("gateway", PORT="3000", ports=(PublishedPort(published, 3000),))
    found = assign(project(kafka, gateway, app("orders", PORT="8000"), app("worker")).services, book)
    assert set(found) == {"kafka", "gateway", "orders"}
    assert found["gateway"] == Address(3000, published)
    assert found["kafka"].container == 9092
    assert found["orders"].local in RANGE
    assert found["orders"].local != found["kafka"].local


@pytest.mark.parametrize(
    ("service", "message"),
    [
        (app("a", PORT="http"), "PORT of `a` is `http`"),
        (app("a", PORT="80", ports=(PublishedPort(3000, 81),)), "`a` listens on 80; without Docker only that port"),
        (app("a", ports=(PublishedPort(3000, 81),)), "`a` has no PORT; without Docker"),
    ],
)
def test_ports_that_cannot_be(book: PortBook, service: ComposeService, message: str) -> None:
    with pytest.raises(DsscaffoldError, match=rf"^a\.yaml:1: .*{message}"):
        assign(project(service).services, book)


def test_kinds() -> None:
    awaited = app("migrate", restart="on-failure")
    needs = (Dependency("migrate", "service_completed_successfully"),)
    gateway = ComposeService("gateway", "g:1", Path(), Local(runtime="node", command=("node",)), {}, needs)
    postgres = ComposeService("postgres", "p:1", Path(), Local(server="postgres"), {})
    everything = project(
        awaited, gateway, postgres, app("orders"), app("once", restart="no"), app("api", restart="no", PORT="1")
    )
    assert {name: kind_of(service, everything) for name, service in everything.services.items()} == {
        "migrate": "job",
        "gateway": "gateway",
        "postgres": "database",
        "orders": "service",
        "once": "job",
        "api": "service",
    }


def test_the_environment_of_an_app_is_its_own_and_little_more() -> None:
    orders = app("orders", PORT="8000", BROKER_URL="kafka:9092", HOME="/own")
    shell = {"PATH": "/bin", "HOME": "/home/x", "LC_ALL": "C", "DATABASE_URL": "leak", "PYTHONPATH": "leak"}
    unit = app_unit(orders, project(orders), ADDRESSES, Tools(), shell, Path("/cache"))
    assert unit.command.env == {
        "PATH": "/repo/orders/.venv/bin:/bin",
        "HOME": "/own",
        "LC_ALL": "C",
        "PORT": "21001",
        "BROKER_URL": "127.0.0.1:21004",
        "VIRTUAL_ENV": "/repo/orders/.venv",
        "PYTHONUNBUFFERED": "1",
    }
    assert unit.url == "http://127.0.0.1:21001"
    assert unit.command.cwd == Path("/repo/orders")
