"""On the real templates: no port is committed, names of old templates stay (rules 11, 12), and what a person reads."""

from __future__ import annotations

import re
from pathlib import Path

from dsscaffold.commands.add_service import run_add_service
from dsscaffold.commands.new import run_new
from dsscaffold.project.catalogue import find_templates, load_catalogue
from dsscaffold.project.manifest import Manifest, Service, load_preset
from dsscaffold.project.plan import make_context
from dsscaffold.templating.change import Options

from .project import Project

#: What the first release gives to a template. Names are added to these, never taken away.
CONTEXT = {"project_name", "broker", "patterns", "services", "role_services", "dsscaffold_version"}
SERVICE = {"name", "lang", "role", "env"}


def test_no_port_of_a_machine_is_in_what_a_team_commits(tmp_path: Path) -> None:
    """Two branches that add a service, or two teams on one laptop, have no port to quarrel about."""
    templates = find_templates(None)
    catalogue = load_catalogue(templates)
    project = Project(tmp_path / "demo", templates)
    run_new(load_preset("shop", "demo", catalogue), catalogue, project.path, port=45678)
    for name in ("billing", "payments"):
        run_add_service(project.path, name, "python", None, Options(commit=True))
    assert "45678" in project.read(".env")
    assert project.run_git("grep", "--quiet", "45678").returncode == 1
    state = project.read("dsscaffold.yaml") + "".join(
        path.read_text() for path in (project.path / ".dsscaffold").rglob("*.yaml")
    )
    assert "port" not in state
    fragments = [path.read_text() for path in sorted(project.path.glob("services/*/compose.yaml"))]
    listening = {found[1] for text in fragments for found in re.finditer(r"PORT: \"(\d+)\"", text)}
    assert len(fragments) == 5
    assert len(listening) == 1, "all listen on one port, under names of their own"
    assert not any("ports:" in text for text in fragments), "only the gateway is published"


def test_the_names_that_the_first_release_gave_to_templates_are_there() -> None:
    manifest = Manifest("demo", "kafka", (), (Service("orders", "python", "orders"),))
    context = make_context(manifest, load_catalogue(find_templates(None)), "1.0.0")
    assert context.keys() >= CONTEXT
    assert context["services"][0].keys() >= SERVICE


def test_a_whole_service_is_one_line_on_the_screen(tmp_path: Path) -> None:
    templates = find_templates(None)
    catalogue = load_catalogue(templates)
    project = Project(tmp_path / "demo", templates)
    run_new(load_preset("blank", "demo", catalogue), catalogue, project.path)
    shown = project.run("add-service", "payments", "--lang", "python").stdout
    assert re.search(r"\+ services/payments/  \(\d\d files\)\n", shown)
    assert "~ compose.yaml\n" in shown
    assert "services/payments/app" not in shown
