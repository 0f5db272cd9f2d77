"""One template is rendered in one go for all its places: none of them sees another, and errors name file and line."""

from __future__ import annotations

import re

import pytest

from .project import Project


def test_services_that_share_a_template_do_not_see_each_other(project: Project) -> None:
    text = (
        "{% set seen = seen | default('') ~ service.name %}{{ seen }}\n{%- if service.name == 'beta' %} 2{% endif %}\n"
    )
    project.add_template("python-service/seen.txt.jinja", text)
    project.add_template("python-service/only.txt.jinja", "{% if service.name == 'beta' %}{{ broker }}{% endif %}")
    project.update()
    assert project.read("services/alpha/seen.txt") == "alpha\n"
    assert project.read("services/beta/seen.txt") == "beta 2\n"
    assert not (project.path / "services/alpha/only.txt").exists(), "a template that comes to nothing is no file"
    assert project.read("services/beta/only.txt") == "kafka"


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("gateway/src/bad.ts.jinja", "fine\n{% if %}\n", r"\(gateway/src/bad\.ts, line 2\)"),
        ("python-service/bad.txt.jinja", "fine\n\n{% endfor %}", r"\(services/alpha/bad\.txt, line 3\)"),
        ("repo/bad.txt.jinja", "{{ service.name }}\n", "'service' is undefined"),
    ],
)
def test_a_template_that_does_not_render(project: Project, path: str, text: str, message: str) -> None:
    project.add_template(path, text)
    before = project.files()
    # In a process of its own: copier leaves a folder open when a template fails.
    failed = project.start("update")
    assert failed.returncode == 1
    assert re.search(f"A template does not render: .*{message}", failed.stderr), failed.stderr
    assert project.files() == before
