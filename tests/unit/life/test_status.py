"""The version of the templates in `status`."""

from __future__ import annotations

import json

from dsscaffold import __version__

from .project import Project


def test_the_status_says_which_templates_it_is_at(project: Project) -> None:
    def templates() -> object:
        done = project.run("status", "--json")
        assert done.returncode == 1, "nothing runs"
        return json.loads(done.stdout)["templates"]

    project.write("compose.yaml", "services: {}\n")
    assert templates() == {"version": __version__, "installed": __version__, "update": False}
    project.template("gateway/src/app.ts", "line 7\n", "theirs\n")
    assert templates() == {"version": __version__, "installed": __version__, "update": True}
    assert "dsscaffold update" in project.run("status").stdout
    project.replace(".dsscaffold/applied.yaml", f"version: {__version__}", "version: 99.0.0")
    assert templates() == {"version": "99.0.0", "installed": __version__, "update": False}
    project.write(".dsscaffold/applied.yaml", "<<<<<<< ours\n")
    assert templates() is None
