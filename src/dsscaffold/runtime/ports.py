"""Give every process a port that nothing else takes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.files import user_folder, write_atomically
from dsscaffold.runtime.lock import HeldLock, acquire, is_held

if TYPE_CHECKING:
    import psutil

# Below the range that systems hand out to outgoing connections: a client that keeps trying a dead port inside
# that range can be given the very port it tries, connect to itself, and so keep the server from coming back.
RANGE = range(20000, 30000)
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Holder:
    """The process that listens on a port; `repo` is the repository that it belongs to, where it is one of ours."""

    pid: int
    name: str
    repo: Path | None = None

    def __str__(self) -> str:
        who = f"the project in {self.repo}" if self.repo else self.name
        return f"{who} (pid {self.pid})"


class PortBook:
    """The ports of one repository: the same at every `up` for as long as they are free.

    A claim is a file lock that every dsscaffold on the machine respects and that ends with this process, so two
    repositories that start at once never choose the same port before either listens on it.
    """

    def __init__(self, path: Path, owner: Path, claims: Path | None = None) -> None:
        self._path = path
        self._owner = owner
        self._claims_folder = claims or claims_folder()
        self._known = _read(path)
        self._claimed: dict[str, int] = {}
        self._locks: list[HeldLock] = []

    def claim(self, key: str) -> int:
        """Return the port of `key`: the one that it has, the one of last time, or a new one."""
        if key in self._claimed:
            return self._claimed[key]
        last = self._known.get(key)
        others = set(self._known.values())
        candidates = [] if last is None else [last]
        candidates += [port for port in random.sample(RANGE, 200) if port not in others]
        for port in candidates:
            if port in RANGE and self._try(port):
                self._claimed[key] = self._known[key] = port
                return port
        raise DsscaffoldError(f"No port is free between {RANGE.start} and {RANGE.stop - 1}.")

    def claim_published(self, port: int, service: str) -> None:
        """Claim a port that the compose file names.

        Raises:
            DsscaffoldError: something else has it.
        """
        if self._claimed.get(service) == port:
            return
        if self._try(port):
            self._claimed[service] = port
            return
        who = find_holder(port, self._claims_folder)
        free = next((p for p in range(port + 1, min(port + 200, 65536)) if is_free(p)), None)
        option = f"--port {free}" if service == "gateway" else f"port {free}"
        raise DsscaffoldError(
            f"Port {port} of {service} is taken{f' by {who}' if who else ''}.",
            f"{option} is free." if free else "Stop it, or choose another.",
        )

    def save(self) -> None:
        """Remember the ports for the next `up`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps(self._known, indent=2, sort_keys=True) + "\n")

    def release(self) -> None:
        """Give all claims back."""
        while self._locks:
            self._locks.pop().release()

    def _try(self, port: int) -> bool:
        lock = acquire(self._claims_folder / str(port), text=f"{os.getpid()} {self._owner}\n")
        if lock is None:
            return False
        if not is_free(port):
            lock.release()
            return False
        self._locks.append(lock)
        return True


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    # Where a server listens on all addresses, some systems let the loopback address be bound all the same.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) != 0


def find_holder(port: int, claims: Path | None = None) -> Holder | None:
    """Return who has claimed a port, or the process that listens on it, where the system lets us know."""
    import psutil

    claim = (claims or claims_folder()) / str(port)
    if is_held(claim):
        pid, _, owner = claim.read_text().strip().partition(" ")
        if owner:  # Whoever has just taken it may not have said yet who it is.
            return Holder(int(pid), "dsscaffold", Path(owner))
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == port and connection.pid:
                return Holder(connection.pid, _program(psutil.Process(connection.pid)))
    return None


def _program(process: psutil.Process) -> str:
    """Return the name that a person knows a process by: Node calls its first thread MainThread, and so itself."""
    name = process.name()
    words = [Path(word).name for word in process.cmdline()[:2]]
    return name if not words or any(word.startswith(name) for word in words) else words[0]


def claims_folder() -> Path:
    """Return the folder of the claims of this user; the temporary folder is the one that all processes share."""
    return user_folder("ports", Path(tempfile.gettempdir()))


def _read(path: Path) -> dict[str, int]:
    try:
        entries = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return (
        {str(key): port for key, port in entries.items() if isinstance(port, int)} if isinstance(entries, dict) else {}
    )
