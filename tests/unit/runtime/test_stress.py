"""What a power loss, a full disk or a neighbour does to a repository that runs, or wants to."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsscaffold.commands.status import run_status
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.servers.home import remove_outside

from ...patience import PATIENCE_S
from .namespaces import run_with_mounts
from .small_repo import FOLDER, SmallRepo

STATE = b'{"supervisor": {"pid": 1, "created": 0}, "services": [], "processes": [{"pid": %s, "created": 1}]}'
GARBAGE = {
    "empty": b"",
    "truncated": b'{"supervisor": {"pid": 1',
    "zeros": b"\0" * 512,
    "binary": b"\xff\xfe\x00garbage",
    "other types": b'{"supervisor": {"pid": "x", "created": []}, "services": [1], "processes": {}}',
    "odd processes": STATE % b'"x"',
    "negative": STATE % b"-5",
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallRepo]:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    repo = SmallRepo(tmp_path / FOLDER)
    yield repo
    repo.down()


def test_whatever_a_power_loss_left_in_the_run_folder_does_not_matter(repo: SmallRepo) -> None:
    assert repo.up().ok
    repo.down()
    run = RunFolder(repo.root)
    files = (
        run.state,
        run.ports,
        run.lock,
        run.control,
        run.root / "outside",
        repo.root / "users/.venv/.dsscaffold-stamp",
    )
    for content in GARBAGE.values():
        run.create()
        for file in files:
            file.write_bytes(content)
        assert {service.state for service in run_status(repo.root).services} == {"stopped"}
        remove_outside(run)
        status = repo.call("status", "--json")
        assert status.returncode == 1
        assert "Traceback" not in status.stderr
    assert repo.up().ok
    assert repo.states() == {"orders": "healthy", "users": "healthy"}


@pytest.mark.parametrize("kind", ["odd processes", "negative", "zeros"])
def test_down_clears_up_after_a_power_loss(repo: SmallRepo, kind: str) -> None:
    run = RunFolder(repo.root)
    run.create()
    run.state.write_bytes(GARBAGE[kind])
    assert repo.call("down").returncode == 0
    assert not run.state.exists()


def test_two_repositories_at_once(repo: SmallRepo, tmp_path: Path) -> None:
    other = SmallRepo(tmp_path / "other")
    command = [sys.executable, "-m", "dsscaffold", "up", "--detach"]
    try:
        both = [subprocess.Popen(command, cwd=each.root, stdout=subprocess.DEVNULL) for each in (repo, other)]
        assert [process.wait(PATIENCE_S) for process in both] == [0, 0]
        urls = [service.url for each in (repo, other) for service in run_status(each.root).services]
        assert len(set(urls)) == 4
        repo.down()
        assert other.states() == {"orders": "healthy", "users": "healthy"}
    finally:
        other.down()


def test_two_ups_at_once_of_one_repository(repo: SmallRepo) -> None:
    command = [sys.executable, "-m", "dsscaffold", "up", "--detach"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, cwd=repo.root, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    said = [process.communicate(timeout=PATIENCE_S) for process in both]
    refused = [error for process, (_, error) in zip(both, said, strict=True) if process.returncode]
    if refused:
        assert re.search(r"[Pp]rocess \d+", refused[0])
        assert "dsscaffold status" in refused[0] or "dsscaffold down" in refused[0]
    else:
        # One came so late that the other took its request.
        texts = [" ".join((text + error).split()) for text, error in said]
        assert sum("runs this repository already" in text for text in texts) == 1
    assert len(refused) < 2
    assert repo.states() == {"orders": "healthy", "users": "healthy"}
    assert repo.journal("users") == ["start users"]


def test_a_published_port_that_is_taken_names_who_has_it_and_offers_another(repo: SmallRepo) -> None:
    compose = repo.root / "orders/compose.yaml"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        compose.write_text(compose.read_text().replace("    build: .\n", f'    build: .\n    ports: ["{port}:8000"]\n'))
        taken = repo.call("up", "--detach")
        assert taken.returncode == 1
        assert f"Port {port} of orders is taken by" in taken.stderr
        assert f"(pid {os.getpid()})" in taken.stderr
        assert "is free" in taken.stderr
        # What does not publish it does not mind.
        assert repo.up("users").ok


#: In a mount namespace of its own, so that nothing of it is left: a repository on a disk of 3 MB, which fills up.
FULL_DISK = """
set -u
mount -t tmpfs -o size=3m none "$1" && cp -a "$2/." "$1/" && cd "$1"
say() { echo "== $1: $2"; }
dsscaffold() { "$PYTHON" -m dsscaffold "$@"; }
dd if=/dev/zero of=full bs=16k 2>/dev/null
dsscaffold up --detach; say up-when-full $?
rm full
dsscaffold up --detach; say up $?
dd if=/dev/zero of=full bs=16k 2>/dev/null; dd if=/dev/zero of=full2 bs=1 2>/dev/null
dsscaffold restart orders; say restart-when-full $?
rm full full2
dsscaffold restart orders; say restart $?
dsscaffold status; say status $?
dsscaffold down; say down $?
"""


def test_a_full_disk_is_named_and_nothing_is_lost(repo: SmallRepo, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = run_with_mounts(FULL_DISK, disk, repo.root)
    said = done.stdout + done.stderr
    codes = dict(line[3:].split(": ") for line in done.stdout.splitlines() if line.startswith("== "))
    assert codes == {
        "up-when-full": "1",
        "up": "0",
        "restart-when-full": "1",
        "restart": "0",
        "status": "0",
        "down": "0",
    }, said
    assert "Traceback" not in said
    assert said.count(f"The disk that holds {disk}") >= 2, said


def test_state_is_never_half_written(repo: SmallRepo) -> None:
    repo.up()
    assert json.loads(RunFolder(repo.root).state.read_text())["services"]
    assert not list(RunFolder(repo.root).root.glob(".state.json.*"))
