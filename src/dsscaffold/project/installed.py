"""Where this dsscaffold came from, as its installer wrote it down: how to have it again, or a newer one."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

_NAME = "dsscaffold"


def how_to_repair() -> str:
    """Return the command that installs the same again, from where it came."""
    url, kind = _origin()
    if kind == "editable":
        return f"git -C {_folder(url)} status shows what became of it."
    return (
        f"Install it again: pip install --force-reinstall {_folder(url) if kind == 'dir' else _requirement(url, kind)}"
    )


def how_to_upgrade(version: str) -> str:
    """Return the command that installs at least `version`, from where this one came."""
    url, kind = _origin()
    if kind in {"editable", "dir"}:
        folder = _folder(url)
        pull = f"git -C {folder} pull" if (Path(unquote(urlsplit(url).path)) / ".git").exists() else ""
        install = f"pip install --force-reinstall {folder}" if kind == "dir" else ""
        steps = " && ".join(filter(None, (pull, install)))
        return f"Have that version or a newer one in {folder}" + (f": {steps}" if steps else ", where this one runs.")
    if kind == "file":
        return f"Install that version or a newer one; this one came from {url}"
    wanted = _requirement(url, kind) if url else shlex.quote(f"{_NAME}>={version}")
    return f"Install that version or a newer one: pip install --upgrade {wanted}"


def _requirement(url: str, kind: str) -> str:
    if not url:
        return _NAME
    return shlex.quote(f"{_NAME} @ {kind}+{url}" if kind != "file" else f"{_NAME} @ {url}")


def _folder(url: str) -> str:
    return shlex.quote(unquote(urlsplit(url).path))


def _origin() -> tuple[str, str]:
    """Return the address that it was installed from and what is there: `dir`, `editable`, `file`, or a VCS like `git`.

    This is what PEP 610 has an installer write down. Both are empty for what came from a package index.
    """
    try:
        written = json.loads(distribution(_NAME).read_text("direct_url.json") or "{}")
        if "dir_info" in written:
            kind = "editable" if written["dir_info"].get("editable") else "dir"
        else:
            kind = written["vcs_info"]["vcs"] if "vcs_info" in written else "file"
        return str(written["url"]), str(kind)
    except (PackageNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return "", ""
