from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.compose.model import ComposeService, Local
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.servers import home as homes
from dsscaffold.runtime.servers.kafka import KafkaServer, _escaped
from dsscaffold.runtime.servers.postgres import PostgresServer, end_former_server
from dsscaffold.runtime.toolchain import Java, Kafka, Postgres


def kafka_server(folder: Path, **env: str) -> KafkaServer:
    service = ComposeService("kafka", "k:1", folder, Local(server="kafka"), env)
    java, kafka = Java(Path("/jre/bin/java"), "25"), Kafka((Path("/a.jar"), Path("/b.jar")), "4.4.0", "x")
    return KafkaServer(java, kafka, service, (21001, 21002), folder, Runner())


def properties(folder: Path, **env: str) -> dict[str, str]:
    kafka_server(folder, **env)._write(folder / "p", folder / "data")
    return dict(line.split("=", 1) for line in (folder / "p").read_text().splitlines())


def test_kafka_takes_the_settings_of_the_image_but_for_what_only_we_know(tmp_path: Path) -> None:
    settings = properties(
        tmp_path,
        KAFKA_NUM_PARTITIONS="8",
        KAFKA_LISTENERS="PLAINTEXT://:9092",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@kafka:9093",
        KAFKA_LOG_DIRS="/var/lib",
        KAFKA_HEAP_OPTS="-Xmx1g",
        KAFKA_X__Y___Z="v",
        OTHER="x",
    )
    assert settings["num.partitions"] == "8"
    assert settings["listeners"] == "BROKER://127.0.0.1:21001,CONTROLLER://127.0.0.1:21002"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:21002"
    assert settings["log.dirs"] == str(tmp_path / "data")
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["x_y-z"] == "v"
    assert "heap.opts" not in settings
    assert "other" not in settings


def test_kafkas_command(tmp_path: Path) -> None:
    unit = kafka_server(tmp_path, KAFKA_HEAP_OPTS="-Xms1m -Xmx1g").unit("-Xshare:auto")
    assert unit.command.argv[:3] == ("/jre/bin/java", "-Xms1m", "-Xmx1g")
    assert unit.command.argv[-5:] == (
        "-Xshare:auto",
        "-cp",
        "/a.jar:/b.jar",
        "kafka.Kafka",
        str(tmp_path / "server.properties"),
    )
    assert (unit.kind, unit.url) == ("broker", "127.0.0.1:21001")


def postgres_server(run: RunFolder, *command: str) -> PostgresServer:
    service = ComposeService("postgres", "p.yaml:1", run.repo, Local(server="postgres"), {}, command=command)
    return PostgresServer(Postgres(Path("/usr/bin"), "18.6"), service, 21003, run, Runner())


def test_postgres_takes_settings_from_its_command(run: RunFolder) -> None:
    try:
        argv = postgres_server(run, "postgres", "-c", "max_connections=50").unit().command.argv
        assert "max_connections=50" in argv
        assert "max_connections=200" not in argv
        assert "listen_addresses=127.0.0.1" in argv
        with pytest.raises(DsscaffoldError, match=r"^p\.yaml:1: The `command` of `postgres`"):
            postgres_server(run, "postgres", "--single").unit()
    finally:
        homes.remove_outside(run)


def test_a_pid_file_of_a_process_that_is_gone_or_another(tmp_path: Path) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/somewhere\n")
    end_former_server(tmp_path)
    assert not pid_file.exists()
    pid_file.write_text("garbage")
    end_former_server(tmp_path)
    assert not pid_file.exists()
    end_former_server(tmp_path)


def test_a_server_that_still_runs_in_the_folder_is_ended(tmp_path: Path, lives: Callable[[int], bool]) -> None:
    code = "import signal; print('up', flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        (tmp_path / "postmaster.pid").write_text(f"{server.pid}\n")
        end_former_server(tmp_path)
        assert not lives(server.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="for root only: another user's server lives in its own repository")
def test_roots_server_lives_outside_and_is_removed(run: RunFolder, tmp_path: Path) -> None:
    home = homes.unprivileged_home(run, "postgres")
    try:
        assert home.identity is not None
        assert homes.reachable(home.folder.parent, home.identity)
        assert home.folder.stat().st_uid == home.identity.uid
        assert homes.unprivileged_home(run, "postgres") == home
        copy = RunFolder(tmp_path / "copy")
        copy.create()
        (copy.root / "outside").write_text((run.root / "outside").read_text())
        other = homes.unprivileged_home(copy, "postgres")
        assert other.folder != home.folder
        assert homes.remove_outside(copy)
        assert home.folder.exists()
    finally:
        assert homes.remove_outside(run)
    assert not home.folder.exists()
    assert not homes.remove_outside(run)


@pytest.mark.skipif(os.geteuid() != 0, reason="for root only")
def test_what_a_deleted_repository_left_outside_goes_when_another_takes_its_place(run: RunFolder) -> None:
    first = homes.unprivileged_home(run, "postgres").folder.parent
    (run.root / "outside").unlink()
    try:
        assert homes.unprivileged_home(run, "postgres").folder.parent != first
        assert not first.exists()
    finally:
        homes.remove_outside(run)


@pytest.mark.skipif(os.geteuid() != 0, reason="for root only")
def test_a_repository_that_is_moved_keeps_what_it_has_outside(tmp_path: Path) -> None:
    before = RunFolder(tmp_path / "before")
    before.create()
    data = homes.unprivileged_home(before, "postgres").folder
    (data / "table").write_text("rows")
    before.repo.rename(tmp_path / "after")
    after = RunFolder(tmp_path / "after")
    try:
        assert (homes.unprivileged_home(after, "postgres").folder / "table").read_text() == "rows"
    finally:
        assert homes.remove_outside(after)
    assert not data.exists()


def test_a_properties_file_says_every_letter() -> None:
    assert _escaped("/tmp/é 日/x\\y😀") == "/tmp/\\u00e9 \\u65e5/x\\\\y\\ud83d\\ude00"
