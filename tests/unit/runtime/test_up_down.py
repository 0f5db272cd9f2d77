"""The verbs on a small repository of real processes: one Python service, and a job that it waits for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.commands.logs import run_logs
from dsscaffold.commands.status import run_status
from dsscaffold.commands.up import run_up
from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.runtime.events import EnvironmentDone, Event, LogLine, Ready, ServiceChanged
from dsscaffold.runtime.lock import is_held
from dsscaffold.runtime.repo import find_repo
from dsscaffold.runtime.results import UpResult

Wait = Callable[..., None]
Lives = Callable[[int], bool]
Journal = Callable[[], list[str]]

COMPOSE = """
services:
  migrate:
    image: x
    restart: "no"
    x-local: {{runtime: python, command: [python, -c, "{migrate}"]}}
  orders:
    build: .
    restart: unless-stopped
    environment: {{PORT: "8000", NAME: orders, SELF_URL: "http://orders:8000", GRANDCHILD: "1"}}
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
    x-local: {{runtime: python, command: [python, -S, app.py]}}
"""

#: `up` in the foreground; the events that matter go to stdout, a line each.
FOREGROUND = """
import sys
from pathlib import Path
from dsscaffold.commands.up import run_up

def show(event):
    print(type(event).__name__, getattr(event, "line", ""), flush=True)

result = run_up(Path(sys.argv[1]), on_event=show)
print("end", result.ok, result.interrupted, flush=True)
"""


@pytest.fixture
def repo(tmp_path: Path, app: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    assert app is not None
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "dsscaffold.yaml").write_text("version: 1\n")
    (tmp_path / "requirements.txt").write_text("# nothing is needed\n")
    (tmp_path / "compose.yaml").write_text(COMPOSE.format(migrate="print('migrated')"))
    yield tmp_path
    run_down(tmp_path, volumes=True)


@pytest.fixture
def foreground(repo: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", FOREGROUND, str(repo)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def read_until(process: subprocess.Popen[str], start: str) -> list[str]:
    """Return what the process prints up to a line that starts so."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith(start):
        line = process.stdout.readline()
        assert line, f"it ended after {lines}"
        lines.append(line.rstrip())
    return lines


def detached(repo: Path, events: list[Event] | None = None) -> UpResult:
    return run_up(repo, on_event=(events if events is not None else []).append, detach=True)


def processes(repo: Path) -> list[int]:
    """Return the supervisor, its guard and all that it started."""
    state = json.loads((repo / ".dsscaffold/run/state.json").read_text())
    grandchild = int((repo / "grandchild").read_text())
    return [state["supervisor"]["pid"], grandchild, *(entry["pid"] for entry in state["processes"])]


def test_up_status_logs_down(repo: Path, journal: Journal, lives: Lives) -> None:
    events: list[Event] = []
    result = detached(repo, events)
    assert result.ok
    assert result.detached
    assert [(service.name, service.kind, service.state) for service in result.status.services] == [
        ("orders", "service", "healthy")
    ]
    assert isinstance(events[-1], Ready)
    assert {type(event) for event in events} >= {EnvironmentDone, ServiceChanged}
    assert set(result.timings.environments) == {"migrate"}
    assert set(result.timings.services) == {"orders"}

    status = run_status(repo)
    (orders,) = status.services
    assert status.healthy
    assert list(status.to_json()) == ["repo", "backend", "services", "templates"]
    assert list(orders.to_json()) == ["name", "kind", "state", "url", "pid", "restarts", "since"]
    assert orders.url == result.url("orders")
    assert orders.pid is not None
    assert lives(orders.pid)

    assert list(run_logs(repo)) == [LogLine("migrate", "migrated"), LogLine("orders", "hello from orders")]
    assert list(run_logs(repo, "orders", tail=1)) == [LogLine("orders", "hello from orders")]
    pids = processes(repo)
    down = run_down(repo)
    assert down.was_running
    assert journal() == ["start orders", "stop orders"]
    assert not any(map(lives, pids))
    assert not run_status(repo).healthy
    assert [(s.name, s.state, s.pid, s.url) for s in run_status(repo).services] == [("orders", "stopped", None, None)]
    assert not run_down(repo).was_running


def test_the_second_up_of_a_repository_is_refused(repo: Path) -> None:
    pid = detached(repo).pid
    for detach in (True, False):
        with pytest.raises(DsscaffoldError, match=rf"up already, by process {pid}: all 1 services are healthy"):
            run_up(repo, on_event=lambda _: None, detach=detach)
    assert run_status(repo).healthy


def test_up_again_keeps_ports_and_environments(repo: Path) -> None:
    first = detached(repo)
    run_down(repo)
    again = detached(repo)
    assert again.url("orders") == first.url("orders")
    assert again.timings.environments == {}


def test_a_killed_supervisor_leaves_no_process(repo: Path, wait_until: Wait, lives: Lives) -> None:
    result = detached(repo)
    pids = processes(repo)
    assert len(pids) == 4
    os.kill(result.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(lives, pids)), "the end of all processes")
    wait_until(lambda: not is_held(repo / ".dsscaffold/run/lock"))
    assert [service.state for service in run_status(repo).services] == ["stopped"]
    assert detached(repo).ok


@pytest.mark.parametrize("then", ["up", "down"])
def test_what_a_killed_supervisor_and_guard_left_is_ended(
    repo: Path, wait_until: Wait, lives: Lives, then: str, killed: list[int]
) -> None:
    detached(repo)
    supervisor, *others = processes(repo)
    killed += others
    guards = [pid for pid in others if "guard.py" in " ".join(psutil.Process(pid).cmdline())]
    for pid in (*guards, supervisor):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(lives, (*guards, supervisor))) and not is_held(repo / ".dsscaffold/run/lock"))
    left = [pid for pid in others if lives(pid)]
    assert len(left) == 2
    if then == "up":
        assert detached(repo).ok
    else:
        assert not run_down(repo).was_running
    assert not any(map(lives, left))


def test_a_process_with_the_number_of_a_former_one_is_left_alone(repo: Path, lives: Lives) -> None:
    detached(repo)
    run_down(repo)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True) as other:
        state = {
            "supervisor": {"pid": 1, "created": 0.0},
            "services": [],
            "processes": [{"pid": other.pid, "created": psutil.Process(other.pid).create_time() - 60}],
        }
        (repo / ".dsscaffold/run/state.json").write_text(json.dumps(state))
        run_down(repo)
        assert lives(other.pid)
        other.kill()


def test_a_failed_job_fails_the_start_and_shows_its_log(repo: Path) -> None:
    (repo / "compose.yaml").write_text(COMPOSE.format(migrate="import sys; sys.exit('no database')"))
    result = detached(repo)
    assert not result.ok
    assert [(failure.service, failure.log_tail) for failure in result.failures] == [
        ("migrate", ("no database",)),
        ("orders", ()),
    ]
    assert not run_status(repo).healthy


def test_packages_that_cannot_be_installed(repo: Path) -> None:
    (repo / "requirements.txt").write_text("no-hash==1\n")
    with pytest.raises(DsscaffoldError, match=r"(?s)packages of .* could not be installed:.*hash"):
        detached(repo)
    assert not run_status(repo).healthy


def test_a_compose_file_that_is_refused(repo: Path) -> None:
    (repo / "compose.yaml").write_text("services: {a: {build: .}}")
    with pytest.raises(UsageError, match=r"compose\.yaml:1: `a` is built from source"):
        detached(repo)


def test_foreground_until_interrupted(
    repo: Path, foreground: subprocess.Popen[str], journal: Journal, lives: Lives
) -> None:
    read_until(foreground, "Ready")
    pids = processes(repo)
    with (repo / ".dsscaffold/run/logs/orders.log").open("a") as log:
        log.write("something new\n")
    read_until(foreground, "LogLine something new")
    foreground.send_signal(signal.SIGINT)
    assert read_until(foreground, "end")[-1] == "end True False"
    foreground.wait()
    assert journal() == ["start orders", "stop orders"]
    assert not any(map(lives, pids))


def test_an_interrupt_during_the_start_stops_everything(
    repo: Path, foreground: subprocess.Popen[str], wait_until: Wait
) -> None:
    read_until(foreground, "EnvironmentStarted")
    foreground.send_signal(signal.SIGINT)
    assert read_until(foreground, "end")[-1] == "end False True"
    foreground.wait()
    assert [service.state for service in run_status(repo).services] == ["stopped"]
    wait_until(lambda: not [p for p in psutil.process_iter(["cmdline"]) if str(repo) in str(p.info["cmdline"])])


@pytest.mark.parametrize("moment", ["EnvironmentStarted", "ServiceChanged"])
def test_an_interrupt_while_waiting_for_a_detached_start_stops_it(repo: Path, moment: str, wait_until: Wait) -> None:
    code = FOREGROUND.replace("on_event=show", "on_event=show, detach=True")
    with subprocess.Popen([sys.executable, "-c", code, str(repo)], stdout=subprocess.PIPE, text=True) as waiting:
        read_until(waiting, moment)
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait() != 0
    assert [service.state for service in run_status(repo).services] == ["stopped"]
    wait_until(lambda: not [p for p in psutil.process_iter(["cmdline"]) if str(repo) in str(p.info["cmdline"])])


def test_down_stops_a_foreground_up(repo: Path, foreground: subprocess.Popen[str]) -> None:
    read_until(foreground, "Ready")
    assert run_down(repo).was_running
    assert read_until(foreground, "end")[-1] == "end True False"


def test_whoever_follows_may_go_away(repo: Path, foreground: subprocess.Popen[str], lives: Lives) -> None:
    read_until(foreground, "Ready")
    pids = processes(repo)
    assert foreground.stdout is not None
    foreground.stdout.close()
    with (repo / ".dsscaffold/run/logs/orders.log").open("a") as log:
        log.write("nobody reads this\n")
    assert foreground.wait() != 0
    assert not any(map(lives, pids))


def test_down_with_volumes_removes_the_data(repo: Path) -> None:
    data = repo / ".dsscaffold/run/data/kafka"
    data.mkdir(parents=True)
    assert not run_down(repo).volumes_removed
    assert data.exists()
    assert run_down(repo, volumes=True).volumes_removed
    assert not data.exists()


def test_logs_of_an_unknown_service(repo: Path) -> None:
    with pytest.raises(UsageError, match="no service `order`") as refused:
        list(run_logs(repo, "order"))
    assert "orders" in (refused.value.hint or "")


def test_followed_logs_go_on(repo: Path) -> None:
    log = repo / ".dsscaffold/run/logs/orders.log"
    log.parent.mkdir(parents=True)
    log.write_text("old\n")
    lines = run_logs(repo, "orders", follow=True)
    assert next(lines).line == "old"
    with log.open("a") as file:
        file.write("new\n")
    assert next(lines).line == "new"


def test_the_repository_is_found_from_inside(repo: Path) -> None:
    (repo / "services" / "orders").mkdir(parents=True)
    assert find_repo(repo / "services" / "orders") == repo


def test_outside_of_any_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no dsscaffold\.yaml here or above"):
        find_repo(tmp_path)
