"""The license: chosen once, the same text in every later year, changed by an edit of the manifest."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dsscaffold.commands.new import run_new
from dsscaffold.errors import UsageError
from dsscaffold.project.catalogue import Catalogue, find_templates, load_catalogue
from dsscaffold.project.choices import Choices, make_manifest

from .project import Project


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(find_templates(None))


@pytest.fixture
def licensed(tmp_path: Path, catalogue: Catalogue) -> Project:
    """A committed project of 2019 under the MIT license, from the templates that are installed."""
    choices = Choices("blank", license="mit", copyright="2019 The demo team")
    run_new(make_manifest("demo", choices, catalogue), catalogue, tmp_path / "demo")
    return Project(tmp_path / "demo", catalogue.root)


@pytest.mark.parametrize("name", ["mit", "Apache-2.0", "bsd-3-clause"])
def test_a_license_is_written_with_this_year_and_the_team(tmp_path: Path, catalogue: Catalogue, name: str) -> None:
    before = time.localtime().tm_year
    manifest = make_manifest("demo", Choices("blank", license=name), catalogue)
    assert manifest.license in catalogue.licenses, "the id is written as SPDX writes it"
    run_new(manifest, catalogue, tmp_path / "demo", use_git=False)
    texts = [path.read_text() for path in (tmp_path / "demo").iterdir() if path.name in {"LICENSE", "NOTICE"}]
    # A year may end meanwhile.
    assert any(f"{year} The demo team\n" in "".join(texts) for year in (before, time.localtime().tm_year))
    assert f"**License.** {manifest.license}" in (tmp_path / "demo" / "README.md").read_text()


def test_none_is_the_default_and_a_word(tmp_path: Path, catalogue: Catalogue) -> None:
    manifest = make_manifest("demo", Choices("blank"), catalogue)
    assert manifest == make_manifest("demo", Choices("blank", license="none"), catalogue)
    run_new(manifest, catalogue, tmp_path / "demo", use_git=False)
    assert not (tmp_path / "demo" / "LICENSE").exists()
    assert "license" not in (tmp_path / "demo" / "dsscaffold.yaml").read_text()


@pytest.mark.parametrize(
    ("choices", "message", "hint"),
    [
        (Choices(license="apache"), "no license", "Apache-2.0"),
        (Choices(copyright="2026 Us"), "--copyright", "--license"),
        (Choices(license="mit", copyright="two\nlines"), "one line", "2026"),
    ],
)
def test_what_does_not_fit_is_refused(catalogue: Catalogue, choices: Choices, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        make_manifest("demo", choices, catalogue)
    assert hint in (refused.value.hint or "")


def test_update_in_a_later_year_changes_nothing(licensed: Project) -> None:
    assert "Copyright (c) 2019 The demo team" in licensed.read("LICENSE")
    assert licensed.update().files == ()


def test_another_license_is_an_edit_of_the_manifest(licensed: Project) -> None:
    licensed.replace("dsscaffold.yaml", "license: MIT", "license: Apache-2.0")
    assert licensed.update().ok
    assert "Apache License" in licensed.read("LICENSE")
    assert licensed.read("NOTICE") == "demo\nCopyright 2019 The demo team\n"
    licensed.commit()
    licensed.replace("dsscaffold.yaml", "license: Apache-2.0\n", "")
    assert licensed.update().ok
    assert not (licensed.path / "LICENSE").exists()
    licensed.commit()
    assert licensed.update().files == ()


def test_a_license_that_the_team_edited_is_never_lost(licensed: Project) -> None:
    licensed.replace("LICENSE", "MIT License", "Our License")
    licensed.commit()
    licensed.replace("dsscaffold.yaml", "license: MIT\n", "")
    assert [conflict.path for conflict in licensed.update().conflicts] == ["LICENSE"]
    assert "Our License" in licensed.read("LICENSE")
