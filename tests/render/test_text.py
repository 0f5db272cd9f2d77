"""Every rendered text, in every combination: no scar of a template is left in it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

BINARY = {".xz"}
LOCKS = {"package-lock.json", "requirements.txt", "requirements-dev.txt", "node.txt"}


def _texts(repo: Path) -> dict[str, str]:
    files = (path for path in repo.rglob("*") if path.is_file() and path.suffix not in BINARY)
    return {str(path.relative_to(repo)): path.read_text() for path in files if path.name not in LOCKS}


def test_no_scars(repo: Path) -> None:
    scars = {
        "a tag of Jinja": re.compile(r"\{%|%\}|(?<!\$)\{\{ "),
        "white space at the end of a line": re.compile(r"[ \t]+$", re.MULTILINE),
        "three blank lines": re.compile(r"\n\n\n\n"),
        "a blank line at the start": re.compile(r"\A\n"),
        "no end of line at the end": re.compile(r"[^\n]\Z"),
        "blank lines at the end": re.compile(r"\n\n\Z"),
        "a carriage return": re.compile(r"\r"),
    }
    found = [
        f"{name}: {what}" for name, text in _texts(repo).items() for what, scar in scars.items() if scar.search(text)
    ]
    assert found == []


def test_two_blank_lines_stand_in_python_only(repo: Path) -> None:
    found = [name for name, text in _texts(repo).items() if not name.endswith(".py") and "\n\n\n" in text]
    assert found == []


def test_lock_files_name_no_address(repo: Path) -> None:
    for lock in (path for path in repo.rglob("*") if path.name in LOCKS):
        assert "://" not in re.sub(r'"(url|funding)": ("[^"]*"|\{[^}]*\})', "", lock.read_text()), lock


def test_every_link_between_files_leads_somewhere(repo: Path) -> None:
    compose = yaml.safe_load((repo / "compose.yaml").read_text())
    assert [path for path in compose["include"] if not (repo / path).is_file()] == []
    for name, text in _texts(repo).items():
        if name.endswith(".md"):
            links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
            assert [link for link in links if not ((repo / name).parent / link).exists()] == [], name


def test_the_readme_names_only_what_is_there(repo: Path) -> None:
    named = re.findall(r"^\| `([^`]+)` \|", (repo / "README.md").read_text(), re.MULTILINE)
    assert named
    assert [path for path in named if not (repo / path).exists()] == []
