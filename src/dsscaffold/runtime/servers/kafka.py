"""A Kafka broker of the repository's own: one KRaft node."""

from __future__ import annotations

import base64
import shlex
import shutil
import uuid
from functools import partial
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.health import kafka_ready
from dsscaffold.runtime.ports import HOST
from dsscaffold.runtime.process import Command
from dsscaffold.runtime.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.compose.model import ComposeService
    from dsscaffold.runtime.process import Runner
    from dsscaffold.runtime.toolchain import Java, Kafka

#: The port inside the container.
PORT = 9092
_HEAP = "-Xmx256m -Xms64m"
_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dlog4j.provider=org.apache.logging.log4j.simple.internal.SimpleProvider",
)
#: Variables of the image that are no settings of the broker.
_NOT_SETTINGS = ("HEAP_OPTS", "JVM_PERFORMANCE_OPTS", "OPTS", "JMX_OPTS", "JMX_PORT", "LOG4J_")
#: For one node on one machine; what the compose file says comes over it.
_DEFAULTS = {
    "num.partitions": "4",
    "default.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "8388608",
    # With the default of 9 s a broker that was killed waits that long for its own former session to end.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controller.quorum.election.timeout.ms": "100",
}


class KafkaServer:
    """Format the data folder at the first start, and write the settings at every one."""

    def __init__(
        self, java: Java, kafka: Kafka, service: ComposeService, ports: tuple[int, int], folder: Path, runner: Runner
    ) -> None:
        self._java = java
        self._kafka = kafka
        self._service = service
        self._port, self._controller_port = ports
        self._folder = folder
        self._runner = runner
        self._data = folder / "data"
        self._properties = folder / "server.properties"

    def unit(self, *jvm_options: str) -> Unit:
        """Return what the supervisor runs, with further options for the JVM."""
        return Unit(
            name=self._service.name,
            kind="broker",
            command=self._java_command(*jvm_options, main=("kafka.Kafka", str(self._properties))),
            depends_on=self._service.depends_on,
            url=f"{HOST}:{self._port}",
            probe=partial(kafka_ready, self._port),
            prepare=self.prepare,
            restart=self._service.restart,
            stop_grace=self._service.stop_grace,
            hung_after=self._service.local.hung_after,
            start_within=self._service.start_within,
        )

    async def prepare(self) -> None:
        """Write the settings, for ports may change from one start to the next, and format what is not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not (self._data / "meta.properties").is_file():
            await self._format()
        self._write(self._properties, self._data)

    async def _format(self) -> None:
        # Made under another name: what carries the right one is complete.
        unfinished = self._folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        properties = self._folder / "format.properties"
        self._write(properties, unfinished)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", f"--config={properties}")
        done = await self._runner.run(self._java_command(main=tool))
        if done.code != 0:
            raise DsscaffoldError(f"Kafka could not format its data folder:\n{done.tail()}")
        unfinished.rename(self._data)

    def _write(self, path: Path, data: Path) -> None:
        settings = {**_DEFAULTS, **_settings_of(self._service.environment), **self._fixed(data)}
        path.write_text("".join(f"{name}={_escaped(value)}\n" for name, value in sorted(settings.items())))

    def _fixed(self, data: Path) -> dict[str, str]:
        """Return what only we can know.

        The voters are named here rather than in the data, so that the controller's port may change.
        """
        broker, controller = f"{HOST}:{self._port}", f"{HOST}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"BROKER://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"BROKER://{broker}",
            "inter.broker.listener.name": "BROKER",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(data),
        }

    def _java_command(self, *options: str, main: tuple[str, ...]) -> Command:
        heap = shlex.split(self._service.environment.get("KAFKA_HEAP_OPTS", _HEAP))
        class_path = ":".join(str(jar) for jar in self._kafka.jars)
        argv = (str(self._java.program), *heap, *_JVM, *options, "-cp", class_path, *main)
        # In the plain C locale a JVM cannot open a path with letters that are not ASCII.
        return Command(argv, self._folder, {"PATH": "/usr/bin:/bin", "HOME": str(self._folder), "LC_ALL": "C.UTF-8"})


def _escaped(value: str) -> str:
    """Return a value as a properties file, which is Latin-1, can say it."""
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def _settings_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the broker settings that the variables of the official image stand for."""
    settings: dict[str, str] = {}
    for name, value in environment.items():
        key = name.removeprefix("KAFKA_")
        if key == name or key.startswith(_NOT_SETTINGS) or key.startswith("CONTROLLER_QUORUM_BOOTSTRAP"):
            continue
        # The image's own rule: three underscores are a hyphen, two an underscore, one a dot.
        dotted = key.lower().replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")
        settings[dotted] = value
    return settings
