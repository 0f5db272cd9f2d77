"""A Postgres server of the repository's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.health import postgres_ready
from dsscaffold.runtime.ports import HOST
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.process_table import wait_until_gone
from dsscaffold.runtime.servers.home import reachable, unprivileged_home
from dsscaffold.runtime.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psutil

    from dsscaffold.runtime.compose.model import ComposeService
    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.repo import RunFolder
    from dsscaffold.runtime.toolchain import Postgres

#: The port inside the container.
PORT = 5432
_KILL_SECONDS = 10.0
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
}


class PostgresServer:
    """Make the data folder at the first start, and clear what a crash left at every other."""

    def __init__(self, tool: Postgres, service: ComposeService, port: int, run: RunFolder, runner: Runner) -> None:
        self._tool = tool
        self._service = service
        self._port = port
        self._runner = runner
        self._home = unprivileged_home(run, service.name)
        self._bin = self._reachable_bin()
        self._data = self._home.folder / "data"

    def unit(self) -> Unit:
        """Return what the supervisor runs."""
        settings = {**_SETTINGS, "port": str(self._port), **_settings_of(self._service)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Unit(
            name=self._service.name,
            kind="database",
            command=self._command("postgres", "-D", str(self._data), *options),
            depends_on=self._service.depends_on,
            url=f"postgresql://{HOST}:{self._port}",
            probe=partial(postgres_ready, self._port),
            prepare=self.prepare,
            restart=self._service.restart,
            stop_grace=self._service.stop_grace,
            hung_after=self._service.local.hung_after,
            start_within=self._service.start_within,
            # Ends the sessions of the clients; SIGTERM would wait until they go.
            stop_signal=signal.SIGINT,
        )

    async def prepare(self) -> None:
        """Make the data folder if there is none, and check that this Postgres can read it."""
        if not (self._data / "PG_VERSION").is_file():
            await self._initialise()
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != self._tool.major:
            raise DsscaffoldError(
                f"The data of {self._service.name} was made by Postgres {found}; this is {self._tool.version}.",
                "`dsscaffold down --volumes` removes it, and the next start makes it anew.",
            )
        end_former_server(self._data)

    async def _initialise(self) -> None:
        environment = self._service.environment
        user = environment.get("POSTGRES_USER", "postgres")
        password = self._home.folder / "password"
        # Made under another name: what carries the right one is complete.
        unfinished = self._home.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password.touch(mode=0o600)
        try:
            self._home.give(password).write_text(environment.get("POSTGRES_PASSWORD", "postgres"))
            arguments = ["-D", str(unfinished), "-U", user, f"--pwfile={password}", "-A", "scram-sha-256"]
            arguments += ["-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"]
            await self._run(self._command("initdb", *arguments))
        finally:
            password.unlink()
        database = environment.get("POSTGRES_DB", user)
        if database != "postgres":
            await self._create_database(unfinished, database)
        unfinished.rename(self._data)

    async def _create_database(self, data: Path, name: str) -> None:
        statement = 'CREATE DATABASE "{}";'.format(name.replace('"', '""'))
        script = 'printf "%s\\n" "$1" | "$2" --single -D "$3" postgres'
        shell = ("sh", "-c", script, "sh", statement, str(self._bin / "postgres"), str(data))
        await self._run(self._plain(shell))

    async def _run(self, command: Command) -> None:
        done = await self._runner.run(command)
        if done.code != 0:
            raise DsscaffoldError(f"Postgres could not make its data folder:\n{done.tail()}")

    def _command(self, program: str, *arguments: str) -> Command:
        return self._plain((str(self._bin / program), *arguments))

    def _plain(self, argv: tuple[str, ...]) -> Command:
        folder = self._home.folder
        env = {"PATH": f"{self._bin}:/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C"}
        return Command(argv, folder, env, self._home.identity)

    def _reachable_bin(self) -> Path:
        root = self._tool.root
        if root is None or reachable(self._tool.bin, self._home.identity):
            return self._tool.bin
        copy = self._home.folder / root.name
        if not copy.is_dir():
            unfinished = copy.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(root, unfinished)
            unfinished.rename(copy)
        return copy / self._tool.bin.relative_to(root)


def end_former_server(data: Path) -> None:
    """Clear the way for a server in `data`: no other of ours can run, since we hold the repository's lock.

    A postmaster.pid that a crash left names a process that is gone, or by now is something else. Each of its
    processes leads a group of its own, and one that is busy or stopped outlives it: with the next server at work in the
    same files, it would spoil them. Postgres itself would notice by the file that is removed here.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    former = _processes_of(pid_file, data)
    for process in former:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    wait_until_gone(former, _KILL_SECONDS)
    pid_file.unlink(missing_ok=True)


def _processes_of(pid_file: Path, data: Path) -> list[psutil.Process]:
    """Return the server, by its command, and all that work in its data folder, as all processes of Postgres do."""
    import psutil

    found = [process for process in psutil.process_iter() if _works_in(process, data.resolve())]
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        if str(data) in process.cmdline() and process not in found:
            found.append(process)
    return found


def _works_in(process: psutil.Process, folder: Path) -> bool:
    import psutil

    try:
        return process.pid != os.getpid() and Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False


def _settings_of(service: ComposeService) -> Mapping[str, str]:
    """Return what `command: postgres -c name=value ...` sets."""
    words = list(service.command)
    if words[:1] == ["postgres"]:
        words = words[1:]
    settings: dict[str, str] = {}
    for flag, setting in zip(words[::2], words[1::2], strict=False):
        name, equals, value = setting.partition("=")
        if flag == "-c" and equals:
            settings[name] = value
    if len(settings) * 2 != len(words):
        raise service.error(f"The `command` of `{service.name}` can only be `postgres -c name=value ...` here.")
    return settings
