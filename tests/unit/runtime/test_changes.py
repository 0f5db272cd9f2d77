"""Single services of a repository that runs: brought in, stopped, started again, on real processes."""

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

from dsscaffold.commands.down import run_stop
from dsscaffold.commands.restart import run_restart
from dsscaffold.commands.status import run_status
from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.runtime.events import Event, Note, Ready, ServiceChanged
from dsscaffold.runtime.repo import RunFolder

from .small_repo import FOLDER, ON_MIGRATE, ON_USERS, SmallRepo

Wait = Callable[..., None]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallRepo]:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    repo = SmallRepo(tmp_path / FOLDER)
    yield repo
    repo.down()


def ignore(_: Event) -> None:
    """Hear nothing."""


def test_up_of_one_starts_it_and_what_it_needs(repo: SmallRepo) -> None:
    repo.add("other")
    assert repo.up("orders").ok
    assert repo.states() == {"orders": "healthy", "users": "healthy"}
    assert repo.migrations() == 1
    assert repo.journal("other") == []


def test_up_brings_a_new_service_into_what_runs_and_touches_no_other(repo: SmallRepo) -> None:
    first = repo.up()
    pids = {name: repo.pid(name) for name in ("users", "orders")}
    repo.add("payments", ON_MIGRATE)
    events: list[Event] = []
    result = repo.up("payments", events=events)
    assert result.ok
    assert result.pid == first.pid
    assert isinstance(events[-1], Ready)
    assert any(isinstance(event, ServiceChanged) and event.service == "payments" for event in events)
    assert repo.states() == {"orders": "healthy", "payments": "healthy", "users": "healthy"}
    assert {name: repo.pid(name) for name in pids} == pids
    # It makes what is missing for a service that was added later.
    assert repo.migrations() == 2


def test_up_without_names_makes_what_runs_what_the_compose_file_says(repo: SmallRepo) -> None:
    repo.add("other")
    first = repo.up()
    before = {service.name: (service.pid, service.since) for service in run_status(repo.root).services}
    repo.remove("other")
    repo.add("payments", ON_MIGRATE)
    compose = repo.root / "orders/compose.yaml"
    compose.write_text(compose.read_text().replace("NAME: orders", "NAME: changed"))

    result = repo.up()

    assert result.ok
    assert result.pid == first.pid
    assert repo.states() == {"orders": "healthy", "payments": "healthy", "users": "healthy"}
    users = repo.service("users")
    assert (users.pid, users.since, users.restarts) == (*before["users"], 0)
    assert not psutil.pid_exists(before["other"][0] or 0)
    assert repo.journal("orders") == ["start orders", "stop orders", "start changed"]


def test_up_without_names_starts_what_was_stopped_and_touches_nothing_else(repo: SmallRepo) -> None:
    repo.up()
    users = repo.service("users")
    run_stop(repo.root, ("orders",), on_event=ignore)
    assert repo.up().ok
    assert repo.states() == {"orders": "healthy", "users": "healthy"}
    assert repo.up().ok
    assert repo.service("users") == users
    assert repo.journal("orders") == ["start orders", "stop orders", "start orders"]


@pytest.mark.parametrize("names", [(), ("orders",)])
def test_up_starts_now_what_waits_for_its_next_try(repo: SmallRepo, wait_until: Wait, names: tuple[str, ...]) -> None:
    app = repo.root / "orders/app.py"
    whole = app.read_text()
    app.write_text("import nowhere_to_be_found\n")
    (failure,) = repo.up().failures
    assert failure.service == "orders"
    wait_until(lambda: repo.service("orders").restarts >= 5)
    users = repo.service("users")
    app.write_text(whole)
    result = repo.up(*names)
    assert result.ok
    assert {service.state for service in result.status.services} == {"healthy"}
    assert repo.service("users") == users


def test_up_without_names_with_a_broken_compose_file_changes_nothing(repo: SmallRepo) -> None:
    repo.up()
    before = run_status(repo.root)
    (repo.root / "compose.yaml").write_text("include: [nowhere.yaml]\n")
    with pytest.raises(DsscaffoldError, match=r"nowhere\.yaml does not exist"):
        repo.up()
    assert run_status(repo.root) == before


def test_a_mounted_folder_is_read_with_the_addresses_of_this_machine_and_follows_every_up(repo: SmallRepo) -> None:
    compose = repo.root / "orders/compose.yaml"
    mounted = "volumes: ['./routes:/srv/routes:ro']\n    x-local"
    text = compose.read_text().replace("PORT:", "ROUTES: /srv/routes/list.txt, PORT:")
    compose.write_text(text.replace("x-local", mounted))
    (repo.root / "orders/routes").mkdir()
    source = repo.root / "orders/routes/list.txt"
    source.write_text("users http://users:8000\n")
    (repo.root / "orders/routes/old.txt").touch()
    repo.up()
    pid = repo.service("orders").pid
    path = Path(psutil.Process(pid).environ()["ROUTES"])
    assert path.read_text() == f"users {repo.service('users').url}\n"

    repo.add("payments")
    source.write_text("payments http://payments:8000\n")
    (repo.root / "orders/routes/old.txt").unlink()
    assert repo.up("payments").ok

    assert path.read_text() == f"payments {repo.service('payments').url}\n"
    assert [file.name for file in path.parent.iterdir()] == ["list.txt"]
    assert repo.service("orders").pid == pid


def test_a_mounted_file_that_is_no_text_is_an_error(repo: SmallRepo) -> None:
    compose = repo.root / "orders/compose.yaml"
    compose.write_text(compose.read_text().replace("x-local", "volumes: ['./data:/data:ro']\n    x-local"))
    (repo.root / "orders/data").mkdir()
    (repo.root / "orders/data/picture.png").write_bytes(b"\xff\xd8")
    with pytest.raises(UsageError, match=r"orders/compose\.yaml:3: picture\.png .* is not UTF-8 text"):
        repo.up()


def test_up_of_what_runs_already_changes_nothing(repo: SmallRepo) -> None:
    repo.up()
    pid = repo.pid("orders")
    events: list[Event] = []
    assert repo.up("orders", events=events).ok
    assert repo.pid("orders") == pid
    assert any(isinstance(event, Note) and "orders runs already" in event.text for event in events)
    assert repo.migrations() == 1


def test_down_of_one_and_up_again(repo: SmallRepo) -> None:
    repo.up()
    orders = repo.pid("orders")
    stopped = run_stop(repo.root, ("users",), on_event=ignore)
    assert stopped.services == ("users",)
    assert repo.states() == {"orders": "healthy", "users": "stopped"}
    assert repo.pid("orders") == orders
    assert run_stop(repo.root, ("users",), on_event=ignore).services == ()
    assert repo.up("users").ok
    assert repo.states()["users"] == "healthy"
    assert repo.journal("users") == ["start users", "stop users", "start users"]


def test_restart_takes_what_the_compose_file_says_now(repo: SmallRepo) -> None:
    repo.up()
    users, port = repo.pid("users"), repo.service("orders").url
    compose = repo.root / "orders/compose.yaml"
    compose.write_text(compose.read_text().replace("NAME: orders", "NAME: changed"))
    result = run_restart(repo.root, ("orders",), on_event=ignore)
    assert result.ok
    assert result.services == ("orders",)
    assert repo.journal("orders") == ["start orders", "stop orders", "start changed"]
    assert repo.pid("users") == users
    assert repo.service("orders").url == port
    assert repo.migrations() == 1, "a job that was done is not done again for it"


def test_restart_of_several_keeps_the_order_of_their_needs(repo: SmallRepo) -> None:
    repo.up()
    assert run_restart(repo.root, ("users", "orders"), on_event=ignore).ok
    assert repo.states() == {"orders": "healthy", "users": "healthy"}
    assert len(repo.journal("users")) == len(repo.journal("orders")) == 3


def test_a_compose_file_that_is_broken_changes_nothing(repo: SmallRepo) -> None:
    repo.up()
    pid = repo.pid("orders")
    compose = repo.root / "orders/compose.yaml"
    whole = compose.read_text()
    compose.write_text(whole.replace("unless-stopped", "sometimes"))
    with pytest.raises(DsscaffoldError, match=r"restart policy `sometimes`"):
        run_restart(repo.root, ("orders",), on_event=ignore)
    assert repo.pid("orders") == pid
    assert repo.states()["orders"] == "healthy"


def test_one_that_cannot_start_again_is_reported_with_its_cause_and_the_rest_stays(repo: SmallRepo) -> None:
    repo.up()
    users = repo.pid("users")
    (repo.root / "orders/app.py").write_text("import nowhere_to_be_found\n")
    result = run_restart(repo.root, ("orders",), on_event=ignore)
    (failure,) = result.failures
    assert not result.ok
    assert "5 times in a row" in failure.reason or "not healthy after" in failure.reason, "the latter on a slow machine"
    assert "nowhere_to_be_found" in failure.cause
    assert failure.log_file == RunFolder(repo.root).log("orders")
    assert any("ModuleNotFoundError" in line for line in failure.log_tail)
    assert repo.pid("users") == users
    assert repo.states()["users"] == "healthy"


@pytest.mark.parametrize("verb", ["up", "restart", "down"])
def test_an_unknown_service(repo: SmallRepo, verb: str) -> None:
    result = repo.call(verb, "ordres")
    assert result.returncode == 2
    assert "There is no service 'ordres'" in result.stderr
    assert "Did you mean 'orders'?" in result.stderr


def test_restart_where_nothing_runs_says_what_would_start_it(repo: SmallRepo) -> None:
    with pytest.raises(DsscaffoldError, match="Nothing runs here") as refused:
        run_restart(repo.root, ("orders",), on_event=ignore)
    assert "dsscaffold up orders" in (refused.value.hint or "")
    assert run_stop(repo.root, ("orders",), on_event=ignore).services == ()


def test_the_verbs_on_the_command_line(repo: SmallRepo) -> None:
    assert repo.call("up", "--detach").returncode == 0
    restarted = repo.call("restart", "orders", "--json")
    document = json.loads(restarted.stdout)
    assert document["changed"] == ["orders"]
    assert document["failures"] == []
    stopped = repo.call("down", "orders")
    assert stopped.returncode == 0
    assert "dsscaffold up orders" in stopped.stdout
    assert repo.call("down", "orders", "--volumes").returncode == 2
    (repo.root / "orders/app.py").write_text("def broken(:\n")
    failed = repo.call("up", "orders")
    assert failed.returncode == 1
    assert "does not parse" in failed.stdout
    assert "the other 1 are healthy" in failed.stdout


def test_a_request_while_it_is_still_starting_waits_for_its_turn(repo: SmallRepo, wait_until: Wait) -> None:
    (repo.root / "users/sick").touch()
    command = [sys.executable, "-m", "dsscaffold", "up", "--detach"]
    with subprocess.Popen(command, cwd=repo.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as starting:
        wait_until(lambda: repo.journal("users"))
        assert run_stop(repo.root, ("orders",), on_event=ignore).services == ("orders",)
        (repo.root / "users/sick").unlink()
        assert starting.wait() == 1, "orders did not become healthy, it was stopped before"
    assert repo.states() == {"orders": "stopped", "users": "healthy"}


def test_a_supervisor_that_was_killed_takes_no_requests(repo: SmallRepo, wait_until: Wait) -> None:
    pid = repo.up().pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: set(repo.states().values()) == {"stopped"})
    with pytest.raises(DsscaffoldError, match="Nothing runs here"):
        run_restart(repo.root, ("orders",), on_event=ignore)
    assert repo.up().ok
    assert run_restart(repo.root, ("orders",), on_event=ignore).ok


def test_one_that_hangs_is_killed_and_comes_back_and_one_that_is_sick_is_not(repo: SmallRepo, wait_until: Wait) -> None:
    repo.add("orders", ON_USERS, hung="1s")
    repo.up()
    pid = repo.pid("orders")
    (repo.root / "users/sick").touch()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: repo.is_anew("orders", pid), "orders comes back")
    assert repo.service("orders").restarts > 0
    assert "hung (no answer within 2 s, for 1 s) and was killed" in RunFolder(repo.root).log("orders").read_text()
    wait_until(lambda: repo.states()["users"] == "unhealthy", "users is known to be sick")
    assert repo.service("users").restarts == 0
    documents = json.loads(repo.call("status", "--json").stdout)["services"]
    details = {document["name"]: document.get("detail") for document in documents}
    assert details == {"orders": None, "users": "not ready (database: down)"}


def test_logs_as_one_document(repo: SmallRepo) -> None:
    assert repo.up().ok
    said = json.loads(repo.call("logs", "users", "--json").stdout)
    assert said == {"lines": [{"service": "users", "line": "hello from users"}]}
    endless = repo.call("logs", "--json", "--follow")
    assert (endless.returncode, endless.stdout) == (2, "")
    assert "Hint:" in endless.stderr
