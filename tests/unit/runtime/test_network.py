"""A registry that can be reached only by a proxy, with a certificate that only a person's own authority vouches for."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsscaffold.runtime.environments.node import install_node
from dsscaffold.runtime.environments.python import install_python
from dsscaffold.runtime.local.provision import Provision
from dsscaffold.runtime.network import for_downloads
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.toolchain.cache import Cache, Fetchable, cache_folder
from dsscaffold.runtime.toolchain.failures import FetchError
from dsscaffold.runtime.toolchain.node import Node, find_node
from dsscaffold.runtime.toolchain.pypi import install_pinned

from .registry import NAME, Authority, Proxy, Registry
from .small_repo import FOLDER, SmallRepo

#: All that the shell of whoever runs the tests may say of its own network.
OWN = ("proxy", "cert", "ca_bundle", "uv_", "pip_", "npm_config_")


class Office:
    """A network that lets nobody out but by its proxy, which looks inside."""

    def __init__(self, folder: Path) -> None:
        self.registry = Registry()
        self.authority = Authority(folder)
        self.registry.speak_tls(self.authority)
        self.proxy = Proxy(self.registry)
        self.home = {
            **{name: value for name, value in os.environ.items() if not any(word in name.lower() for word in OWN)},
            "UV_CACHE_DIR": str(folder / "uv"),
            "npm_config_cache": str(folder / "npm"),
            # What this machine's own npm is told has no part in it.
            "npm_config_userconfig": str(folder / "npmrc"),
            "npm_config_globalconfig": str(folder / "npmrc.global"),
        }

    def close(self) -> None:
        self.proxy.close()
        self.registry.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.close()


def variables(office: Office, *names: str, **more: str) -> dict[str, str]:
    values = {"PROXY": office.proxy.url, "CA": str(office.authority.bundle), "INDEX": office.registry.index}
    return {**office.home, **{name: values[kind] for name, _, kind in (n.partition("=") for n in names)}, **more}


#: The names under which a person may have said it, for any of the tools.
WAYS = {
    "uv": ("HTTPS_PROXY=PROXY", "SSL_CERT_FILE=CA", "UV_DEFAULT_INDEX=INDEX"),
    "pip": ("PIP_PROXY=PROXY", "PIP_CERT=CA", "PIP_INDEX_URL=INDEX"),
    "requests": ("https_proxy=PROXY", "REQUESTS_CA_BUNDLE=CA", "UV_INDEX_URL=INDEX"),
    "npm": ("npm_config_https_proxy=PROXY", "npm_config_cafile=CA", "UV_DEFAULT_INDEX=INDEX"),
    "node": ("ALL_PROXY=PROXY", "NODE_EXTRA_CA_CERTS=CA", "UV_DEFAULT_INDEX=INDEX"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_is_fetched(office: Office, tmp_path: Path, way: str) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text(office.registry.pin)
    office.registry.cuts = [1000]
    environ = variables(office, *WAYS[way], DSSCAFFOLD_CACHE=str(tmp_path / "cache"))

    async def fetch() -> Path:
        runner = Runner()
        try:
            cache = Provision(runner, environ, lambda _: None).cache
            return await cache.get(
                Fetchable("Tool", "1.0", 1000, str(pins)),
                lambda target: install_pinned(cache, str(pins), target, "Tool"),
            )
        finally:
            runner.close()

    assert (asyncio.run(fetch()) / "slowpoke.py").is_file()
    assert set(office.proxy.asked) == {NAME}
    # Our own client got through, which goes on after a cut.
    assert office.registry.ranges() == ["", "bytes=1000-"]


@pytest.mark.parametrize("way", WAYS)
def test_the_packages_of_a_python_service(office: Office, tmp_path: Path, way: str) -> None:
    service = tmp_path / "orders"
    service.mkdir()
    (service / "requirements.txt").write_text(office.registry.pin)

    async def install() -> None:
        runner = Runner()
        try:
            await install_python(service, runner, for_downloads(variables(office, *WAYS[way])))
        finally:
            runner.close()

    asyncio.run(install())
    assert list(service.glob(".venv/lib/*/site-packages/slowpoke.py"))
    assert set(office.proxy.asked) == {NAME}


@pytest.mark.parametrize("way", WAYS)
def test_the_packages_of_a_node_service(office: Office, tmp_path: Path, way: str) -> None:
    service = tmp_path / "gateway"
    service.mkdir()
    package = {"name": "gateway", "version": "1.0.0", "dependencies": {"slowpoke": "1.0.0"}}
    packages = {"": package, "node_modules/slowpoke": {"version": "1.0.0"}}
    (service / "package.json").write_text(json.dumps(package))
    (service / "package-lock.json").write_text(
        json.dumps({"name": "gateway", "version": "1.0.0", "lockfileVersion": 3, "packages": packages})
    )
    environ = for_downloads(variables(office, *WAYS[way], npm_config_registry=f"{office.registry.root}/"))

    async def install() -> None:
        runner = Runner()
        try:
            # Any npm will do, so that none is fetched for this alone.
            npm = shutil.which("npm")
            own = Cache(cache_folder(os.environ), runner, lambda _: None, os.environ)
            node = Node(Path(npm).parent, "") if npm else await find_node(own)
            await install_node(service, node, runner, environ)
        finally:
            runner.close()

    asyncio.run(install())
    assert (service / "node_modules/slowpoke/package.json").is_file()
    assert set(office.proxy.asked) == {NAME}


def test_a_certificate_that_nothing_vouches_for_is_named_and_how_to_trust_it(office: Office, tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text(office.registry.pin)
    environ = variables(office, "HTTPS_PROXY=PROXY", "UV_DEFAULT_INDEX=INDEX")

    async def fetch() -> None:
        runner = Runner()
        try:
            cache = Cache(tmp_path / "cache", runner, lambda _: None, for_downloads(environ))
            await install_pinned(cache, str(pins), tmp_path / "target", "Tool")
        finally:
            runner.close()

    with pytest.raises(FetchError, match="the certificate of the registry is not trusted") as refused:
        asyncio.run(fetch())
    assert "SSL_CERT_FILE" in (refused.value.hint or "")
    assert not refused.value.offline


def test_what_is_said_for_one_tool_itself_stays() -> None:
    given = {"HTTPS_PROXY": "a", "PIP_PROXY": "b", "SSL_CERT_FILE": "c", "PIP_CERT": "d", "NODE_EXTRA_CA_CERTS": "e"}
    env = for_downloads(given)
    assert {name: env[name] for name in given} == given
    assert for_downloads({"PATH": "/bin"}) == {"PATH": "/bin"}
    assert for_downloads({"HTTPS_PROXY": ""}) == {"HTTPS_PROXY": ""}


def test_a_proxy_has_no_part_in_what_goes_on_inside_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probes and services would find nobody behind this one."""
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    repo = SmallRepo(tmp_path / FOLDER)
    try:
        assert repo.up().ok
        environ = Path(f"/proc/{repo.pid('orders')}/environ")
        if environ.is_file():
            assert b"_proxy=" not in environ.read_bytes().lower()
        assert repo.states() == {"orders": "healthy", "users": "healthy"}
    finally:
        repo.down()
