"""Two branches that each add a service."""

from __future__ import annotations

import pytest

from dsscaffold.commands.add_service import run_add_service
from dsscaffold.commands.remove_service import run_remove_service
from dsscaffold.templating.change import Options
from dsscaffold.templating.unions import merge_items

from .project import Project


def _applied(project: Project) -> set[str]:
    return {path.stem for path in (project.path / ".dsscaffold/services").iterdir()}


def test_two_branches_that_each_add_a_service_merge(project: Project) -> None:
    project.git("switch", "--quiet", "--create", "one")
    run_add_service(project.path, "aaa", "python", None, Options(commit=True))
    project.git("switch", "--quiet", "main")
    run_add_service(project.path, "zzz", "java", None, Options(commit=True))
    project.git("merge", "--quiet", "--no-edit", "one")
    assert _applied(project) == {"aaa", "alpha", "beta", "zzz"}
    assert project.update().files == ()


def test_two_branches_that_add_neighbours_conflict_in_the_manifest_at_most(project: Project) -> None:
    """The README of these templates is one paragraph, so that it may conflict; those of ours are kept apart."""
    project.template("repo/README.md.jinja", "{% for service in services %}\n- {{ service.name }}\n{% endfor %}", "")
    project.update(Options(commit=True))
    project.git("switch", "--quiet", "--create", "one")
    run_add_service(project.path, "gamma", "python", None, Options(commit=True))
    project.git("switch", "--quiet", "main")
    run_add_service(project.path, "delta", "python", None, Options(commit=True))
    merge = project.run_git("merge", "--no-edit", "one")
    assert merge.returncode == 1
    assert project.git("diff", "--name-only", "--diff-filter=U").split() == ["dsscaffold.yaml"]
    text = "".join(line for line in project.read("dsscaffold.yaml").splitlines(True) if line[:7] not in _MARKERS)
    project.write("dsscaffold.yaml", text)
    project.commit()
    assert _applied(project) == {"alpha", "beta", "gamma", "delta"}
    assert project.update().files == ()


_MARKERS = {"<<<<<<<", "=======", ">>>>>>>"}


def _two_branches(project: Project) -> None:
    """Add payments on one branch and payroll on the other, and merge: git's union leaves them out of order."""
    text = "include:\n{% for service in services %}  - {{ service.name }}\n{% endfor %}"
    project.add_template("repo/README.md.jinja", "# {{ project_name }}\n")
    project.add_template("compose/compose.yaml.jinja", text)
    project.update(Options(commit=True))
    project.git("switch", "--quiet", "--create", "one")
    run_add_service(project.path, "payments", "python", None, Options(commit=True))
    project.git("switch", "--quiet", "main")
    run_add_service(project.path, "payroll", "python", None, Options(commit=True))
    project.run_git("merge", "--no-edit", "one")
    kept = [line for line in project.read("dsscaffold.yaml").splitlines(True) if line[:7] not in _MARKERS]
    project.write("dsscaffold.yaml", "".join(kept))
    project.commit()
    assert project.read("compose.yaml") == "include:\n  - alpha\n  - beta\n  - payroll\n  - payments\n"


def test_after_them_the_next_service_doubles_no_line(project: Project) -> None:
    _two_branches(project)
    run_add_service(project.path, "paypal", "python", None, Options())
    assert project.read("compose.yaml") == "include:\n  - alpha\n  - beta\n  - payments\n  - paypal\n  - payroll\n"


def test_after_them_a_removed_service_leaves_no_line(project: Project) -> None:
    _two_branches(project)
    project.replace("compose.yaml", "  - beta\n", "  - beta\n  - ours\n")
    project.commit()
    run_remove_service(project.path, "payroll", Options())
    assert "payroll" not in project.read("compose.yaml")
    assert project.read("compose.yaml").count("payments") == 1
    assert "  - ours\n" in project.read("compose.yaml")


def test_items_of_a_list() -> None:
    def merge(base: str, ours: str, theirs: str, union: str) -> str:
        return b"".join(
            merge_items(*([bytes([c]) for c in side.encode()] for side in (base, ours, theirs, union)))
        ).decode()

    assert merge("ab", "ba", "acb", "bacb") == "acb"
    assert merge("ab", "bax", "acb", "bacbx") == "bacx"
    assert merge("abc", "cbax", "ab", "cbaxab") == "bax"
    assert merge("abc", "bxc", "abcd", "abxcd") == "bxcd"
    # What stands twice on one side, such as a blank line, is no item.
    assert merge("ab", "a-b-x", "acb-", "a-cb-x-") == "a-cb-x-"


@pytest.mark.parametrize("last", ["  - beta", "  - beta\n  - mine"])
def test_a_list_whose_last_line_has_no_end_loses_no_item(project: Project, last: str) -> None:
    project.write("compose.yaml", f"include:\n  - alpha\n{last}")
    project.commit()
    assert run_add_service(project.path, "gamma", "python", None, Options()).ok
    lines = project.read("compose.yaml").splitlines()
    assert sorted(lines) == sorted(["include:", "  - alpha", *last.splitlines(), "  - gamma"])


def test_a_list_that_a_filter_of_the_team_keeps_is_filtered_once(project: Project) -> None:
    project.git("config", "filter.rot.clean", "tr a-z b-za")
    project.git("config", "filter.rot.smudge", "tr b-za a-z")
    project.write(".gitattributes", project.read(".gitattributes") + "/compose.yaml filter=rot\n")
    project.git("add", "--renormalize", ".")
    project.write("compose.yaml", project.read("compose.yaml") + "  - mine\n")
    project.commit()
    assert run_add_service(project.path, "gamma", "python", None, Options()).ok
    assert sorted(project.read("compose.yaml").split()[1:]) == ["-", "-", "-", "-", "alpha", "beta", "gamma", "mine"]
