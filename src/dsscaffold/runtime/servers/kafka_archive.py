"""Halve Kafka's start with an archive of its loaded classes, made once a machine in the background."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dsscaffold.runtime.compose.model import ComposeService, Local
from dsscaffold.runtime.health import port_open
from dsscaffold.runtime.ports import PortBook
from dsscaffold.runtime.servers.kafka import KafkaServer

if TYPE_CHECKING:
    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.toolchain import Java, Kafka
    from dsscaffold.runtime.toolchain.cache import Cache

_START_SECONDS = 120.0
_POLL_SECONDS = 0.25


class ClassArchive:
    """The archive of one Java and one set of jars. An empty file says that this Java can make none."""

    def __init__(self, cache: Cache, java: Java, kafka: Kafka) -> None:
        self._cache = cache
        self._java = java
        self._kafka = kafka
        identity = f"{java.program.resolve()} {java.version} {kafka.jars[0].parent} {kafka.digest}"
        self._key = f"kafka-classes-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.jsa"

    @property
    def path(self) -> Path:
        """Return where the archive is, or will be."""
        return self._cache.folder / self._key

    def options(self) -> tuple[str, ...]:
        """Return the JVM options that use the archive; a JVM that cannot use it starts all the same."""
        if not self.path.is_file() or self.path.stat().st_size == 0:
            return ()
        return (f"-XX:SharedArchiveFile={self.path}", "-Xshare:auto", "-Xlog:disable")

    async def make(self, runner: Runner) -> None:
        """Run a broker of no use, at the lowest priority, and keep which classes it loaded."""
        if self.path.exists():
            return
        async with self._cache.locked(self._key):
            if self.path.exists():
                return
            folder = Path(tempfile.mkdtemp(prefix=f".{self._key}.", dir=self._cache.folder))
            try:
                archive = folder / "classes.jsa"
                if not await self._train(folder, archive, runner):
                    archive.write_bytes(b"")
                archive.replace(self.path)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    async def _train(self, folder: Path, archive: Path, runner: Runner) -> bool:
        ports = PortBook(folder / "ports.json", folder)
        try:
            port = ports.claim("broker")
            service = ComposeService("training", "", folder, Local(server="kafka"), {})
            server = KafkaServer(self._java, self._kafka, service, (port, ports.claim("controller")), folder, runner)
            await server.prepare()
            command = server.unit(f"-XX:ArchiveClassesAtExit={archive}").command
            child = runner.start(replace(command, argv=("nice", "-n", "19", *command.argv)), folder / "log")
            try:
                async with asyncio.timeout(_START_SECONDS):
                    while await port_open(port):
                        await asyncio.sleep(_POLL_SECONDS)
                    child.signal(signal.SIGTERM)
                    await child.wait()
            except TimeoutError:
                return False
            finally:
                runner.finish(child)
            return archive.is_file()
        finally:
            ports.release()
