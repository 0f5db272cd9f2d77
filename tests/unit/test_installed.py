"""What to install again, or newer, is said of the place that this dsscaffold came from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dsscaffold.project import installed

METADATA = "Metadata-Version: 2.1\nName: dsscaffold\nVersion: 0.1.0\n"
Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a dsscaffold before the installed one, of which an installer wrote down where it came from."""

    def write(origin: str) -> None:
        folder = tmp_path / "site" / "dsscaffold-0.1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(METADATA)
        if origin:
            (folder / "direct_url.json").write_text(origin)
        monkeypatch.setattr(sys, "path", [str(folder.parent), *sys.path])

    return write


@pytest.mark.parametrize(
    ("origin", "repair", "upgrade"),
    [
        ("", "pip install --force-reinstall dsscaffold", "pip install --upgrade 'dsscaffold>=2.0'"),
        (
            '{"url": "https://example.com/ds.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}',
            "pip install --force-reinstall 'dsscaffold @ git+https://example.com/ds.git'",
            "pip install --upgrade 'dsscaffold @ git+https://example.com/ds.git'",
        ),
        (
            '{"url": "file:///srv/my%20tools", "dir_info": {}}',
            "pip install --force-reinstall '/srv/my tools'",
            "pip install --force-reinstall '/srv/my tools'",
        ),
        (
            '{"url": "https://example.com/dsscaffold-0.1.0-py3-none-any.whl", "archive_info": {}}',
            "pip install --force-reinstall 'dsscaffold @ https://example.com/dsscaffold-0.1.0-py3-none-any.whl'",
            "this one came from https://example.com/dsscaffold-0.1.0-py3-none-any.whl",
        ),
        ("[", "pip install --force-reinstall dsscaffold", "pip install --upgrade 'dsscaffold>=2.0'"),
        ("[]", "pip install --force-reinstall dsscaffold", "pip install --upgrade 'dsscaffold>=2.0'"),
    ],
)
def test_each_way_to_install(install: Install, origin: str, repair: str, upgrade: str) -> None:
    install(origin)
    assert installed.how_to_repair().endswith(repair)
    assert installed.how_to_upgrade("2.0").endswith(upgrade)


@pytest.mark.parametrize("editable", ["true", "false"])
def test_a_clone_is_pulled(install: Install, tmp_path: Path, editable: str) -> None:
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    install(f'{{"url": "{clone.as_uri()}", "dir_info": {{"editable": {editable}}}}}')
    again = "" if editable == "true" else f" && pip install --force-reinstall {clone}"
    assert installed.how_to_upgrade("2.0").endswith(f"git -C {clone} pull{again}")
