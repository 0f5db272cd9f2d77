"""The AsyncAPI document obeys the specification's own JSON Schema."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import Check, run_check
from .repository import read_yaml, services_of

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def specification(npm: Check, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the specification's schemas, one file a version."""
    folder = tmp_path_factory.mktemp("asyncapi")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "asyncapi" / name, folder)
    npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    return folder / "node_modules" / "@asyncapi" / "specs" / "schemas"


def test_the_document_is_asyncapi(repo: Path, specification: Path, tmp_path: Path) -> None:
    path = repo / "contracts" / "asyncapi.yaml"
    if not path.exists():
        return
    document = read_yaml(path)
    schema = specification / f"{document['asyncapi']}-without-$id.json"
    instance = tmp_path / "asyncapi.json"
    instance.write_text(json.dumps(document))
    run_check(tmp_path, sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), str(instance))


def test_the_document_names_processes_that_are_there(repo: Path) -> None:
    path = repo / "contracts" / "asyncapi.yaml"
    if not path.exists():
        return
    processes = {name.partition(".")[0] for name in read_yaml(path)["operations"]}
    assert processes <= {"gateway", *services_of(repo)}
