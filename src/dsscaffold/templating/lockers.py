"""The package managers whose lock files a merge has to write anew: npm and uv."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dsscaffold.errors import DsscaffoldError

if TYPE_CHECKING:
    from packaging.version import Version

_SECONDS = 300


class Locker(Protocol):
    """One package manager."""

    @property
    def manifest(self) -> str:
        """Return the name of the file that people edit."""

    @property
    def companions(self) -> tuple[str, ...]:
        """Return the names of files beside it that have a say."""

    def owns(self, name: str) -> bool:
        """Return whether a file of this name is a lock file of this manager."""

    def dependencies(self, content: bytes) -> object:
        """Return what of a manifest decides over its lock file; the rest of it may differ."""

    def reads(self, content: bytes) -> bool:
        """Return whether `content` is a manifest that the manager can read."""

    def doubled(self, content: bytes) -> set[str]:
        """Return what a manifest names twice in one place, such as a package in a list."""

    def command(self, name: str, lock: str) -> str:
        """Return the command with which a person locks again."""

    def prepare(self, base: str, ours: str, theirs: str, merged: str) -> str:
        """Return the lock file to begin with, so that versions stay which need not change."""

    def lock(self, folder: Path, name: str) -> None:
        """Write the lock file `name` of the manifest in `folder` anew."""

    def written(self, lock: str) -> set[str]:
        """Return what a person may have written into a lock file by hand, to see whether it is still there."""


class Npm:
    """package-lock.json; npm itself reads a lock file with conflict markers and takes both sides' packages."""

    manifest = "package.json"
    companions: tuple[str, ...] = (".npmrc",)
    # Whose registry it came from says nothing to the next one who installs.
    _options = (
        "--package-lock-only",
        "--omit-lockfile-registry-resolved",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    )
    _keys = (
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "peerDependencies",
        "overrides",
        "engines",
        "name",
    )

    def owns(self, name: str) -> bool:
        """Return whether `name` is npm's."""
        return name == "package-lock.json"

    def dependencies(self, content: bytes) -> object:
        """Return the sections that name packages."""
        data = _parsed(json.loads, content)
        return {key: data.get(key) for key in self._keys} if isinstance(data, dict) else content

    def reads(self, content: bytes) -> bool:
        """Return whether it is JSON."""
        return isinstance(_parsed(json.loads, content), dict)

    def doubled(self, content: bytes) -> set[str]:
        """Return the keys that an object has twice: who reads it sees the last one only."""
        found: set[str] = set()

        def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found.update(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            return dict(pairs)

        _parsed(lambda text: json.loads(text, object_pairs_hook=note), content)
        return found

    def command(self, name: str, lock: str) -> str:  # noqa: ARG002 - npm has one lock file
        """Return the command with which a person locks again."""
        return "npm install --package-lock-only --omit-lockfile-registry-resolved"

    def prepare(self, base: str, ours: str, theirs: str, merged: str) -> str:  # noqa: ARG002 - npm takes both sides itself
        """Return the merged file, with its markers."""
        return merged

    def lock(self, folder: Path, name: str) -> None:  # noqa: ARG002 - npm has one lock file
        """Let npm write the lock file."""
        npm = shutil.which("npm")
        if npm is None:
            raise DsscaffoldError("npm is not installed")
        _run([npm, "install", *self._options], folder)

    def written(self, lock: str) -> set[str]:  # noqa: ARG002 - nobody writes into it by hand
        """Return nothing: npm itself throws away what package.json does not name."""
        return set()


class Uv:
    """requirements*.txt, as `uv pip compile` writes them; the command stands in the file's own head."""

    manifest = "pyproject.toml"
    companions: tuple[str, ...] = ()
    _default = "--universal --generate-hashes"
    _head = re.compile(r"^#\s+uv pip compile (?P<arguments>.+)$", re.MULTILINE)
    _pinned = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==.*(?:\n[ \t]+.*)*", re.MULTILINE)
    _flags = frozenset({"--universal", "--generate-hashes", "--no-annotate", "--all-extras", "--no-strip-extras"})
    _valued = frozenset({"--python-version", "--group", "--extra"})

    def owns(self, name: str) -> bool:
        """Return whether `name` is one that `uv pip compile` may have written."""
        return re.fullmatch(r"requirements[\w.-]*\.txt", name) is not None

    def dependencies(self, content: bytes) -> object:
        """Return the tables that name packages."""
        data = _parsed(lambda text: tomllib.loads(text.decode()), content)
        if not isinstance(data, dict):
            return content
        project = data.get("project", {})
        keys = ("dependencies", "optional-dependencies", "requires-python", "name")
        return [data.get("dependency-groups"), data.get("tool", {}).get("uv"), *(project.get(key) for key in keys)]

    def reads(self, content: bytes) -> bool:
        """Return whether it is TOML."""
        return _parsed(lambda text: tomllib.loads(text.decode()), content) is not None

    def doubled(self, content: bytes) -> set[str]:
        """Return the packages that a list asks for twice."""
        data = _table(_parsed(lambda text: tomllib.loads(text.decode()), content))
        project = _table(data.get("project"))
        lists = [
            project.get("dependencies"),
            *_table(project.get("optional-dependencies")).values(),
            *_table(data.get("dependency-groups")).values(),
        ]
        names = [[_package(item) for item in each if isinstance(item, str)] for each in lists if isinstance(each, list)]
        return {name for each in names for name, count in Counter(each).items() if count > 1}

    def command(self, name: str, lock: str) -> str:
        """Return the command with which a person locks again."""
        return shlex.join(["uv", "pip", "compile", *self._arguments(name, lock)])

    def prepare(self, base: str, ours: str, theirs: str, merged: str) -> str:  # noqa: ARG002 - uv cannot read markers
        """Return the pins of the templates, with those that the team has changed and the packages that it has added.

        Of a package that both changed, the newer one. uv keeps to all of them, as far as the manifest lets it.
        """
        was, mine, new = (self._pins(text) for text in (base, ours, theirs))

        def choose(found: re.Match[str]) -> str:
            name, pin = found["name"].lower(), found[0]
            if name not in new or mine.get(name) in (None, was.get(name)):
                return pin
            return mine[name] if pin == was.get(name) else max(pin, mine[name], key=_version)

        known = {found["name"].lower() for found in self._pinned.finditer(theirs)}
        more = [found[0] for found in self._pinned.finditer(ours) if found["name"].lower() not in known]
        return self._pinned.sub(choose, theirs).rstrip("\n") + "\n" + "".join(f"{pin}\n" for pin in more)

    def lock(self, folder: Path, name: str) -> None:
        """Let uv compile the requirements."""
        from uv import find_uv_bin

        arguments = self._arguments(name, (folder / name).read_text())
        # Ours will do to resolve with; there need be no other Python on the PATH.
        _run([find_uv_bin(), "pip", "compile", *arguments], folder, {"UV_PYTHON": sys.executable, **os.environ})

    def written(self, lock: str) -> set[str]:
        """Return the packages that are named, and the lines that name none: options and comments."""
        lines = (line.rstrip(" \\") for line in lock.splitlines() if line[:1].strip())
        pins = ((self._pinned.match(line), line) for line in lines)
        return {found["name"].lower() if found else line for found, line in pins}

    def _pins(self, lock: str) -> dict[str, str]:
        """Return the pins of a lock file by package; one that has several, for several platforms, is left out."""
        found = [(pin["name"].lower(), pin[0]) for pin in self._pinned.finditer(lock)]
        count = Counter(name for name, _ in found)
        return {name: pin for name, pin in found if count[name] == 1}

    def _arguments(self, name: str, lock: str) -> list[str]:
        """Return the arguments of the command in the head of a lock file, as far as they are known to be harmless."""
        found = self._head.search(lock)
        words = iter(shlex.split(found["arguments"] if found else self._default))
        kept = []
        for word in words:
            option, equals, value = word.partition("=")
            if word in self._flags:
                kept.append(word)
            elif option in self._valued and re.fullmatch(r"[\w.-]+", value := value if equals else next(words, "")):
                kept.append(f"{option}={value}")
        # Spelt as Renovate reads it in the head.
        return [*kept, f"--output-file={name}", self.manifest]


LOCKERS: tuple[Locker, ...] = (Npm(), Uv())


def _table(value: object) -> dict[str, Any]:
    """Return a table of a manifest, an empty one where a person wrote something else there."""
    return value if isinstance(value, dict) else {}


def _package(requirement: str) -> str:
    """Return the name of the package that a requirement is about, however it is spelt."""
    found = re.match(r"\s*([\w.-]+)", requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else requirement


def _version(pin: str) -> Version:
    """Return the version of a pin, the lowest of all for one that nobody can read."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(pin.partition("==")[2].split()[0])
    except (InvalidVersion, IndexError):
        return Version("0.dev0")


def _parsed(parse: Any, content: bytes) -> Any:
    try:
        return parse(content)
    except ValueError:
        return None


def _run(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DsscaffoldError(f"{Path(command[0]).name} did not come to an end: {error}") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()] or ["no reason given"]
        raise DsscaffoldError(f"{Path(command[0]).name}: {lines[0].strip()}")
