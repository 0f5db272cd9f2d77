"""Package manifests: two packages that are added side by side are no conflict; two versions of one are."""

from __future__ import annotations

import json

import pytest

from dsscaffold.templating.change import Options
from dsscaffold.templating.lockers import Uv
from dsscaffold.templating.manifests import merge_packages

from .project import Project

PACKAGE_JSON = '{\n  "name": "gateway",\n  "dependencies": {\n    "base-pkg": "1.0.0"\n  }\n}\n'
PYPROJECT = '[project]\nname = "alpha"\nversion = "1"\ndependencies = [\n    "base-pkg>=1",\n]\n'


def _both_add(project: Project, path: str, template: str, ours: tuple[str, str], theirs: tuple[str, str]) -> None:
    project.add_template(template, PACKAGE_JSON if path.endswith("json") else PYPROJECT)
    project.update()
    project.commit("Base")
    project.replace(path, *ours)
    project.commit()
    project.template(template, *theirs)


def test_npm_packages_side_by_side(project: Project) -> None:
    last = '"base-pkg": "1.0.0"'
    ours = (last, f'"@team/zip": "2.0.0",\n    {last},\n    "ours-pkg": "1.0.0"')
    _both_add(project, "gateway/package.json", "gateway/package.json", ours, (last, f'{last},\n    "theirs": "3.1.0"'))
    assert project.update().conflicts == ()
    text = project.read("gateway/package.json")
    assert list(json.loads(text)["dependencies"]) == ["@team/zip", "base-pkg", "ours-pkg", "theirs"]
    assert text.count("\n    ") == 4


def test_python_packages_side_by_side(project: Project) -> None:
    line = '    "base-pkg>=1",\n'
    path, template = "services/alpha/pyproject.toml", "python-service/pyproject.toml"
    theirs = f"{line}    \"other[fast]>=2; python_version < '4'\",\n"
    _both_add(project, path, template, (line, f'{line}    "ours_pkg",\n'), (line, theirs))
    assert project.update().conflicts == ()
    items = project.read(path).split("[\n", 1)[1]
    assert items == f'{line}    "other[fast]>=2; python_version < \'4\'",\n    "ours_pkg",\n]\n'


def test_two_versions_of_one_package_are_for_a_person(project: Project) -> None:
    last = '"base-pkg": "1.0.0"'
    newer, newest = last.replace("1.0.0", "1.0.1"), last.replace("1.0.0", "2.0.0")
    _both_add(project, "gateway/package.json", "gateway/package.json", (last, newer), (last, newest))
    assert [conflict.path for conflict in project.update().conflicts] == ["gateway/package.json"]
    assert newer in project.read("gateway/package.json")
    assert newest in project.read("gateway/package.json")


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("", '"a": "1",\n', '"b": "1",\n', '"a": "1",\n"b": "1",\n'),
        ('"c": "1",\n', '"a": "1",\n"c": "1",\n', "", '"a": "1",\n'),
        ('"c": "1",\n', "", '"c": "2",\n', None),
        ("", '"a": "1",\n', '"b": "1"\n', None),
        ("", '"a": "1",\n', "// a note\n", None),
        ("", '"a": "1",\n"a": "2",\n', '"b": "1",\n', None),
        ("", '"a": "1",\n', '"a": "1",\n"scripts": {\n', None),
    ],
)
def test_lines_of_a_conflict(base: str, ours: str, theirs: str, result: str | None) -> None:
    text = f"<<<<<<< o\n{ours}||||||| b\n{base}=======\n{theirs}>>>>>>> t\n"
    merged = merge_packages(f"before\n{text}after\n".encode())
    assert merged == (None if result is None else f"before\n{result}after\n".encode())


def test_a_package_that_both_added_in_two_places_is_for_a_person(project: Project) -> None:
    """To git these are two additions; npm would take the last one, and the team's version would be gone unseen."""
    lines = "".join(f'    "pkg-{number}": "1.0.0",\n' for number in range(6))
    project.add_template("gateway/package.json", f'{{\n  "dependencies": {{\n{lines}    "zip": "1.0.0"\n  }}\n}}\n')
    project.update(Options(commit=True))
    project.replace("gateway/package.json", '    "pkg-0"', '    "ours": "1.0.0",\n    "pkg-0"')
    project.commit()
    project.template("gateway/package.json", '    "zip"', '    "ours": "2.0.0",\n    "zip"')
    (conflict,) = project.update().conflicts
    assert conflict.path == "gateway/package.json"
    assert conflict.reason == "both added ours, in two places; keep one"
    assert '"ours": "1.0.0"' in project.read("gateway/package.json")


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        ('"Ours_pkg>=1"', '"ours-pkg>=2"', "both added ours-pkg, in two places; keep one"),
        ('"ours>=1", "ours<3"', '"theirs"', None),
    ],
)
def test_a_python_package_that_stands_twice(project: Project, ours: str, theirs: str, reason: str | None) -> None:
    lines = "".join(f'    "pkg-{number}",\n' for number in range(6))
    template, path = "python-service/pyproject.toml", "services/alpha/pyproject.toml"
    project.add_template(template, f'[project]\nname = "alpha"\nversion = "1"\ndependencies = [\n{lines}]\n')
    project.update(Options(commit=True))
    project.replace(path, '    "pkg-0",\n', f'    {ours},\n    "pkg-0",\n')
    project.commit()
    project.template(template, '    "pkg-5",\n', f'    "pkg-5",\n    {theirs},\n')
    assert [conflict.reason for conflict in project.update().conflicts] == ([reason] if reason else [])


@pytest.mark.parametrize("text", ["project = 1", 'dependency-groups = []\n[project]\ndependencies = "pkg"', "[project"])
def test_a_python_manifest_of_another_shape_names_nothing_twice(text: str) -> None:
    assert Uv().doubled(text.encode()) == set()


def test_a_table_that_both_added_in_two_places_is_for_a_person(project: Project) -> None:
    template, path = "python-service/pyproject.toml", "services/alpha/pyproject.toml"
    lines = "".join(f"line-{number} = true\n" for number in range(6))
    project.add_template(template, f"[tool.first]\n{lines}")
    project.update(Options(commit=True))
    project.replace(path, "[tool.first]\n", "[tool.both]\nours = true\n\n[tool.first]\n")
    project.commit()
    project.template(template, "line-5 = true\n", "line-5 = true\n\n[tool.both]\ntheirs = true\n")
    (conflict,) = project.update().conflicts
    assert conflict.reason == "merged, it cannot be read any more"
    assert "ours = true\n" in project.read(path)
