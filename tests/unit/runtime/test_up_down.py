"""The verbs on a repository of real processes: one Python service, and a job that it waits for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsscaffold.commands.down import run_down
from dsscaffold.commands.logs import run_logs
from dsscaffold.commands.status import run_status
from dsscaffold.commands.up import run_up
from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.runtime.events import EnvironmentDone, Event, LogLine, Note, Ready, ServiceChanged
from dsscaffold.runtime.repo import find_repo

from .one_service import COMPOSE, detached, processes

Wait = Callable[..., None]
Lives = Callable[[int], bool]
Journal = Callable[[], list[str]]


def test_up_status_logs_down(repo: Path, journal: Journal, lives: Lives, wait_until: Wait) -> None:
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
    # All have been ended; on a busy machine it takes the system a moment to have them gone.
    wait_until(lambda: not any(map(lives, pids)), "the end of all processes")
    assert not run_status(repo).healthy
    assert [(s.name, s.state, s.pid, s.url) for s in run_status(repo).services] == [("orders", "stopped", None, None)]
    assert not run_down(repo).was_running


def test_the_second_up_of_a_repository_says_who_runs_it_and_touches_nothing(repo: Path) -> None:
    pid = detached(repo).pid
    before = run_status(repo)
    for detach in (True, False):
        events: list[Event] = []
        result = run_up(repo, on_event=events.append, detach=detach)
        assert result.ok
        assert result.pid == pid
        assert any(isinstance(event, Note) and f"Process {pid} runs this" in event.text for event in events)
    assert run_status(repo) == before


def test_up_again_keeps_ports_and_environments(repo: Path) -> None:
    first = detached(repo)
    run_down(repo)
    again = detached(repo)
    assert again.url("orders") == first.url("orders")
    assert again.timings.environments == {}


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


def test_down_with_volumes_removes_the_data(repo: Path) -> None:
    data = repo / ".dsscaffold/run/data/kafka"
    data.mkdir(parents=True)
    assert not run_down(repo).volumes_removed
    assert data.exists()
    assert run_down(repo, volumes=True).volumes_removed
    assert not data.exists()


def test_logs_of_an_unknown_service(repo: Path) -> None:
    with pytest.raises(UsageError, match="no service 'order'") as refused:
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
