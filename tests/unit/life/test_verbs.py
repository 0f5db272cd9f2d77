"""The verbs: each is an edit of the manifest and a merge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsscaffold.commands.add_pattern import run_add_pattern
from dsscaffold.commands.add_service import run_add_service
from dsscaffold.commands.diff import run_diff
from dsscaffold.commands.remove_pattern import run_remove_pattern
from dsscaffold.commands.remove_service import run_remove_service
from dsscaffold.commands.rename_service import run_rename_service
from dsscaffold.commands.set_broker import run_set_broker
from dsscaffold.errors import DsscaffoldError, UsageError
from dsscaffold.project.manifest import Service
from dsscaffold.templating.change import Options

from .project import Project, make_project

PLAIN = Options()


def _times(project: Project) -> dict[Path, int]:
    """Return every file, git's own too, and when it was written; git touches objects that it finds there already."""
    return {path: 0 if "objects" in path.parts else path.stat().st_mtime_ns for path in project.path.rglob("*")}


def _applied(project: Project) -> set[str]:
    return {path.stem for path in (project.path / ".dsscaffold/services").iterdir()}


def test_add_service_adds_its_part_and_its_line_everywhere(project: Project) -> None:
    project.replace("README.md", "# demo\n", "# demo\n\nOurs.\n")
    project.commit()
    result = run_add_service(project.path, "payments", "java", None, PLAIN)
    assert result.ok
    assert project.read("services/payments/Main.java") == "class Main {}\n"
    assert "  - payments\n" in project.read("compose.yaml")
    assert project.read("README.md").startswith("# demo\n\nOurs.\n")
    assert "  payments: {lang: java}\n" in project.read("dsscaffold.yaml")
    assert _applied(project) == {"alpha", "beta", "payments"}
    assert " M" not in project.status(), "all of it is staged"
    project.commit()
    assert project.update().files == ()


def test_add_service_never_drags_an_upgrade_in(project: Project) -> None:
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    project.template("python-service/app/main.py", "code 7\n", "theirs\n")
    run_add_service(project.path, "gamma", "python", "stock", PLAIN)
    assert "theirs" not in project.read("gateway/src/app.ts")
    assert "theirs" not in project.read("services/gamma/app/main.py")
    assert project.read("services/gamma/app/stock.py").startswith("stock 1\n")


def test_verbs_follow_each_other_without_a_commit(project: Project) -> None:
    run_add_service(project.path, "one", "python", None, PLAIN)
    between = project.files()
    result = run_add_service(project.path, "two", "python", None, PLAIN)
    assert result.abort == "dsscaffold update --abort"
    assert _applied(project) == {"alpha", "beta", "one", "two"}
    assert project.run("update", "--abort").returncode == 0
    assert project.files() == between
    project.git("reset", "--merge")
    assert project.status() == ""


def test_editing_the_manifest_and_updating_is_the_same_as_the_verb(tmp_path: Path) -> None:
    by_verb, by_hand = make_project(tmp_path / "a"), make_project(tmp_path / "b")
    run_add_service(by_verb.path, "gamma", "python", None, PLAIN)
    by_hand.replace("dsscaffold.yaml", "  beta: {lang: python}\n", "  beta: {lang: python}\n  gamma: {lang: python}\n")
    before = by_hand.files()
    result = by_hand.update()
    assert by_hand.files() == by_verb.files()
    assert result.abort == "dsscaffold update --abort"
    assert by_hand.run("update", "--abort").returncode == 0
    assert by_hand.files() == before, "the edit of the manifest was there before, so it still is"


def test_remove_service_takes_everything_of_it_out(project: Project) -> None:
    before = project.files()
    run_add_service(project.path, "gamma", "python", None, Options(commit=True))
    result = run_remove_service(project.path, "gamma", PLAIN)
    assert result.ok
    assert project.files() == before
    assert not (project.path / "services/gamma").exists()


def test_remove_service_with_edits_needs_force(project: Project) -> None:
    project.write("services/beta/app/ours.py", "ours\n")
    project.commit()
    before = project.files()
    with pytest.raises(DsscaffoldError, match=r"services/beta/app/ours\.py") as caught:
        run_remove_service(project.path, "beta", PLAIN)
    assert "--force" in (caught.value.hint or "")
    assert project.files() == before
    assert run_remove_service(project.path, "beta", PLAIN, force=True).ok
    assert not (project.path / "services/beta").exists()


def test_removing_a_service_by_hand_leaves_edits_as_conflicts(project: Project) -> None:
    project.replace("services/beta/app/main.py", "code 7\n", "ours\n")
    project.write("services/beta/app/ours.py", "ours\n")
    project.commit()
    project.replace("dsscaffold.yaml", "  beta: {lang: python}\n", "")
    result = project.update()
    assert [conflict.path for conflict in result.conflicts] == ["services/beta/app/main.py"]
    assert "ours\n" in project.read("services/beta/app/main.py")
    assert project.read("services/beta/app/ours.py") == "ours\n"


def test_rename_service_moves_what_the_team_wrote_and_keeps_its_identity(project: Project) -> None:
    project.replace("services/alpha/app/main.py", "code 7\n", "ours\n")
    project.write("services/alpha/app/ours.py", "ours too\n")
    project.replace("services/alpha/README.md", "line 9\n", "ours in alpha\n")
    project.commit()
    assert run_rename_service(project.path, "alpha", "gamma", Options(commit=True)).committed
    assert "ours\n" in project.read("services/gamma/app/main.py")
    assert project.read("services/gamma/app/ours.py") == "ours too\n"
    assert project.read("services/gamma/README.md").startswith("# gamma\n")
    assert "ours in alpha\n" in project.read("services/gamma/README.md")
    assert not (project.path / "services/alpha").exists()
    assert "  gamma: {lang: python, id: alpha}\n" in project.read("dsscaffold.yaml")
    assert project.update().files == ()
    # Back again: no id is left behind.
    run_rename_service(project.path, "gamma", "alpha", PLAIN)
    assert "  alpha: {lang: python}\n" in project.read("dsscaffold.yaml")


def test_two_services_swap_their_names_by_hand(project: Project) -> None:
    project.write("services/alpha/ours.py", "alpha's\n")
    project.write("services/beta/ours.py", "beta's\n")
    project.commit()
    project.replace("dsscaffold.yaml", "alpha: {lang: python}", "swap: {lang: python, id: beta}")
    project.replace("dsscaffold.yaml", "beta: {lang: python}", "alpha2: {lang: python, id: alpha}")
    project.replace("dsscaffold.yaml", "swap:", "beta2:")
    assert project.update().ok
    assert project.read("services/alpha2/ours.py") == "alpha's\n"
    assert project.read("services/beta2/ours.py") == "beta's\n"


def test_a_new_service_may_have_the_name_that_a_renamed_one_had(project: Project) -> None:
    run_rename_service(project.path, "alpha", "gamma", Options(commit=True))
    run_add_service(project.path, "alpha", "python", None, Options(commit=True))
    assert "  alpha: {lang: python, id: alpha-2}\n" in project.read("dsscaffold.yaml")
    project.write("services/alpha/ours.py", "ours\n")
    project.commit()
    run_rename_service(project.path, "alpha", "delta", PLAIN)
    assert project.read("services/delta/ours.py") == "ours\n"


def test_patterns_come_and_go(project: Project) -> None:
    before = project.files()
    run_add_pattern(project.path, "tracing", Options(commit=True))
    assert "patterns: [tracing]\n" in project.read("dsscaffold.yaml")
    assert (project.path / "gateway/src/tracing.ts").is_file()
    assert run_remove_pattern(project.path, "tracing", PLAIN).ok
    assert project.files() == before


def test_removing_a_pattern_leaves_the_teams_edits_in_it_as_conflicts(project: Project) -> None:
    run_add_pattern(project.path, "tracing", Options(commit=True))
    project.replace("gateway/src/tracing.ts", "span 7\n", "ours\n")
    project.commit()
    result = run_remove_pattern(project.path, "tracing", PLAIN)
    assert [conflict.path for conflict in result.conflicts] == ["gateway/src/tracing.ts"]
    assert "ours\n" in project.read("gateway/src/tracing.ts")


def test_set_broker(project: Project) -> None:
    assert run_set_broker(project.path, "nats", PLAIN).ok
    assert project.read("gateway/src/broker.ts") == "export const broker = 'nats';\n"
    assert "broker: nats\n" in project.read("dsscaffold.yaml")


def test_diff_shows_both_sides(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.write("services/alpha/ours.py", "ours\n")
    project.commit()
    (project.templates / "gateway/src/old/name.ts").rename(project.templates / "gateway/src/old/new.ts")
    result = run_diff(project.path, project.templates)
    assert [(each.path, each.status) for each in result.team] == [
        ("gateway/src/app.ts", "changed"),
        ("services/alpha/ours.py", "added"),
    ]
    assert [(each.path, each.status, each.was) for each in result.templates] == [
        ("gateway/src/old/new.ts", "renamed", "gateway/src/old/name.ts")
    ]
    assert "+ours\n" in result.team_patch
    shown = project.run("diff", "--patch")
    assert shown.returncode == 0
    assert "+ours" in shown.stdout


def test_commit_commits_the_change_and_nothing_else(project: Project) -> None:
    assert project.run("add-service", "gamma", "--lang", "python", "--commit").returncode == 0
    assert project.git("log", "-1", "--format=%s").strip() == "Add the service gamma"
    assert project.status() == ""
    project.write("ours.txt", "ours\n")
    project.git("add", "ours.txt")
    before = project.files()
    refused = project.run("add-service", "delta", "--lang", "python", "--commit")
    assert refused.returncode == 1
    assert "staged here too" in refused.stderr
    assert project.files() == before


def test_dry_run_writes_nothing_at_all_and_foresees_the_rest(project: Project) -> None:
    project.replace("gateway/src/app.ts", "line 7\n", "ours\n")
    project.commit()
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    before = _times(project)
    dry = json.loads(project.start("update", "--dry-run", "--json").stdout)
    assert _times(project) == before
    made = json.loads(project.run("update", "--json").stdout)
    for key in ("files", "conflicts", "notes", "version"):
        assert dry[key] == made[key]
    assert made["conflicts"] == [{"path": "gateway/src/app.ts", "reason": "both changed the same lines"}]
    assert made["abort"] == "git reset --merge"
    assert made["continue"][0] == "git add -- gateway/src/app.ts"


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("add-service", "alpha"), "'alpha' in dsscaffold.yaml already", "another name"),
        (("add-service", "Pay"), "'Pay' cannot be the name", "pay"),
        (("add-service", "gateway", "--lang", "java"), "uses itself", "gateway-service"),
        (("add-service", "pay"), "Which language?", "java, python"),
        (("add-service", "pay", "--lang", "pyton"), "no language 'pyton'", "'python'"),
        (("add-service", "pay", "--lang", "python", "--role", "stok"), "no role 'stok'", "'stock'"),
        (("add-service", "pay", "--lang", "java", "--role", "stock"), "does not exist in java", "--role"),
        (("remove-service", "alpa", "--yes"), "no service 'alpa'", "'alpha'"),
        (("remove-service", "alpha"), "Nobody is there", "--yes"),
        (("rename-service", "alpha", "beta"), "services/beta is there", "another name"),
        (("rename-service", "gama", "x"), "no service 'gama'", "alpha"),
        (("add-pattern", "sagas"), "no pattern 'sagas'", "'saga'"),
        (("add-pattern", "saga"), "needs a service with the role 'stock'", "stock: {lang:"),
        (("remove-pattern", "saga"), "no pattern 'saga'", "none"),
        (("set-broker", "kafk"), "no broker 'kafk'", "'kafka'"),
        (("update", "--templates", "nowhere"), "not a templates folder", "layout"),
        (("update", "--abort", "--continue"), "exclude each other", "Leave one"),
    ],
)
def test_bad_input_is_one_message_with_a_hint(
    project: Project, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    before = project.files()
    result = project.run(*arguments)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr
    assert project.files() == before


def test_a_service_that_a_pattern_needs_stays(tmp_path: Path) -> None:
    project = make_project(tmp_path, (Service("stock", "python", "stock"),), ("saga",))
    with pytest.raises(UsageError, match="needs a service with the role 'stock'"):
        run_remove_service(project.path, "stock", PLAIN)


def test_a_folder_of_the_team_is_not_taken_for_a_service(project: Project) -> None:
    project.write("services/gamma/ours.py", "ours\n")
    project.commit()
    with pytest.raises(UsageError, match="holds files of yours"):
        run_add_service(project.path, "gamma", "python", None, PLAIN)
