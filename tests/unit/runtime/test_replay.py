"""`replay` as it calls a repository's own tool: in the environment of a service, here or in its container."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsscaffold.commands.replay import run_replay
from dsscaffold.errors import DsscaffoldError, UsageError

from .small_repo import FOLDER, SmallRepo

#: Tells in the key where it was run and how; of the topic `wrong` it knows nothing, of `broken` it breaks.
TOOL = """
import json, os, sys

if sys.argv[1] == "wrong":
    print(json.dumps({"error": "there are no dead letters of a topic wrong", "topics": ["wrongs"]}))
    sys.exit(2)
if sys.argv[1] == "away":
    print(json.dumps({"error": "kafka: no answer"}))
    sys.exit(1)
if sys.argv[1] == "broken":
    raise SystemError("out of order")
key = json.dumps({"cwd": os.getcwd(), "peer": os.environ.get("PEER_URL"), "prefix": sys.prefix, "argv": sys.argv[1:]})
names = ("type", "id", "reason", "group", "time")
letter = {"key": key, "replays": 0, "outcome": "put back", **dict.fromkeys(names)}
print(json.dumps({"topic": sys.argv[1], "dryRun": "--dry-run" in sys.argv, "letters": [letter]}))
"""
#: As much of Docker as is called: what runs, what it is built from, and `compose exec`, which runs the command here.
DOCKER = """#!{python}
import json, os, sys

match sys.argv[1:]:
    case ["compose", "ps", "--format", "json"]:
        print('{{"Service": "orders", "State": "running"}}')
    case ["compose", "config", "--format", "json"]:
        build = {{"build": {{"context": os.path.realpath("orders")}}}}
        print(json.dumps({{"name": "demo", "services": {{"kafka": {{"image": "x"}}, "orders": build}}}}))
    case ["compose", "exec", "-T", "orders", "python", *rest]:
        os.chdir("orders")
        os.environ["PEER_URL"] = "http://users:8000"
        os.execv(sys.executable, [sys.executable, *rest])
    case _:
        sys.exit(f"unknown: {{sys.argv}}")
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallRepo]:
    monkeypatch.setenv("DSSCAFFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    repo = SmallRepo(tmp_path / FOLDER)
    (repo.root / "orders" / "app").mkdir()
    (repo.root / "orders" / "app" / "__init__.py").touch()
    (repo.root / "orders" / "app" / "replay.py").write_text(TOOL)
    yield repo
    repo.down()


def test_the_tool_runs_as_its_service_does(repo: SmallRepo) -> None:
    assert repo.up().ok
    result = run_replay(repo.root, "orders", dry_run=True)
    seen = json.loads(result.letters[0].key or "")
    assert seen == {
        "cwd": str(repo.root / "orders"),
        "peer": repo.service("users").url,
        "prefix": str(repo.root / "orders" / ".venv"),
        "argv": ["orders", "--json", "--dry-run"],
    }
    assert (result.dry_run, result.put_back) == (True, 1)


def test_the_verb_prints_for_people_and_one_document_for_scripts(repo: SmallRepo) -> None:
    assert repo.up().ok
    text, document = repo.call("replay", "orders"), repo.call("replay", "orders", "--json")
    assert (text.returncode, document.returncode) == (0, 0)
    assert text.stdout.endswith("1 message put back on orders.\n")
    assert json.loads(document.stdout)["letters"][0]["outcome"] == "put back"


def test_in_a_container_it_runs_there(repo: SmallRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A key that only Docker honours: without it, `up` refuses it.
    compose = repo.root / "orders" / "compose.yaml"
    compose.write_text(compose.read_text() + "    cap_add: [NET_ADMIN]\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER.format(python=sys.executable))
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin:/bin")
    seen = json.loads(run_replay(repo.root, "orders").letters[0].key or "")
    assert (seen["peer"], seen["argv"]) == ("http://users:8000", ["orders", "--json"])


def test_where_nothing_runs_it_says_how_to_start(repo: SmallRepo) -> None:
    with pytest.raises(DsscaffoldError, match="Nothing runs here") as caught:
        run_replay(repo.root, "orders")
    assert caught.value.exit_code == 1
    assert "dsscaffold up" in (caught.value.hint or "")


def test_failures_of_the_tool_are_one_message_each(repo: SmallRepo) -> None:
    assert repo.up().ok
    with pytest.raises(UsageError, match=r"^There are no dead letters of a topic wrong\.$") as unknown:
        run_replay(repo.root, "wrong")
    assert unknown.value.hint == "Did you mean 'wrongs'?"
    with pytest.raises(DsscaffoldError, match=r"^Kafka: no answer\.$") as away:
        run_replay(repo.root, "away")
    assert away.value.exit_code == 1
    with pytest.raises(DsscaffoldError, match="failed with code 1: SystemError: out of order"):
        run_replay(repo.root, "broken")


def test_a_repository_of_older_templates_is_told_to_update(repo: SmallRepo) -> None:
    assert repo.up().ok
    (repo.root / "orders" / "app" / "replay.py").unlink()
    with pytest.raises(DsscaffoldError, match=r"No service here has app/replay\.py") as caught:
        run_replay(repo.root, "orders")
    assert "dsscaffold update" in (caught.value.hint or "")
