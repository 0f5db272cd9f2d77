"""`dsscaffold open`: a page of what runs, in a browser."""

from __future__ import annotations

import contextlib
import os
import sys
import urllib.error
import urllib.request
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.project.names import did_you_mean
from dsscaffold.runtime.choose import backend_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.results import ServiceStatus, StatusResult

#: Pages of the gateway by the word for them; the name of a service stands for its own API docs.
PAGES = {"docs": "/docs", "metrics": "/metrics"}
DEFAULT_PAGE = "docs"

_TIMEOUT_S = 5
# A proxy that the environment names is for the outside world, never for this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class OpenResult:
    """The address of a page, and whether a browser took it."""

    url: str
    opened: bool

    def to_json(self) -> dict[str, object]:
        """Return the document of `open --json`."""
        return {"url": self.url, "opened": self.opened}


def run_open(repo: Path, what: str, *, browser: bool = True) -> OpenResult:
    """Open a page of the gateway ("docs", "metrics") or the API docs of a service; without `browser` only find it.

    Raises:
        UsageError: there is no such page.
        DsscaffoldError: it does not run, or does not answer.
    """
    url = _address(backend_for(repo).status(), what)
    _check(url)
    return OpenResult(url, browser and has_screen(os.environ) and _show(url, os.environ.get("BROWSER")))


def has_screen(environ: Mapping[str, str]) -> bool:
    """Tell whether a browser can show itself to the person: not over ssh, not in a container."""
    if environ.get("BROWSER"):
        return True
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _show(url: str, named: str | None) -> bool:
    """Open a page in one of the browsers that the person named; without any, in what the system has."""
    if not named:
        return webbrowser.open(url)
    # Left to itself, Python goes on to whatever else there is, down to one of text that takes the terminal over.
    for browser in filter(None, named.split(os.pathsep)):
        with contextlib.suppress(webbrowser.Error):
            if webbrowser.get(browser).open(url):
                return True
    return False


def _address(status: StatusResult, what: str) -> str:
    pages = {service.name: service for service in status.services if service.kind in {"gateway", "service"}}
    gateway = next((service for service in pages.values() if service.kind == "gateway"), None)
    service = gateway if what in PAGES else pages.get(what)
    if service is None:
        if what in PAGES:
            raise UsageError("There is no gateway here.", f"What there is to open: {', '.join(pages) or 'nothing'}.")
        if any(each.name == what for each in status.services):
            raise UsageError(f"{what} speaks no HTTP, so there is no page of it.", "Its address: dsscaffold status")
        raise UsageError(f"There is nothing called {what!r} to open.", did_you_mean(what, [*PAGES, *pages]))
    if not any(each.pid for each in status.services):
        raise DsscaffoldError("Nothing runs here.", "Start it: dsscaffold up --detach")
    return _running(service) + PAGES.get(what, PAGES[DEFAULT_PAGE])


def _running(service: ServiceStatus) -> str:
    if service.state != "healthy" or service.url is None:
        hint = f"Look into it: dsscaffold logs {service.name}"
        raise DsscaffoldError(f"{service.name} is not healthy but {service.state}.", hint)
    return service.url.replace("//127.0.0.1", "//localhost")


def _check(url: str) -> None:
    """Ask for the page: an empty tab would be found out about later, and tells less."""
    try:
        _OPENER.open(url, timeout=_TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        hint = "The calls that it takes: dsscaffold open docs"
        raise DsscaffoldError(f"{url} answers {error.code} {error.reason}.", hint) from error
    except OSError as error:
        raise DsscaffoldError(f"{url} does not answer: {error}.", "What runs: dsscaffold status") from error
