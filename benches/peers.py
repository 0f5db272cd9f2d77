"""`--help` and `new` beside the tools that people know: Typer, cookiecutter, copier, create-polyglot.

    python benches/peers.py [--runs 7]

The peers are installed into a temporary folder, pinned. Every comparison is the ratio of runs taken in turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml
from timing import BARE, CLI, in_turn, node_folder, ratio, report, run

from dsscaffold import __version__
from dsscaffold.project.catalogue import Catalogue, find_templates, load_catalogue
from dsscaffold.project.manifest import load_preset
from dsscaffold.project.plan import make_plan
from dsscaffold.templating.renderer import SUFFIX, layer_files

COOKIECUTTER = "cookiecutter==2.7.1"
POLYGLOT = "create-polyglot@1.20.1"
#: The default preset in its words: the same names, a port for each, since it takes one per kind else.
SERVICES = "node:gateway:3001,python:profiles:3002,python:orders:3003,python:recommendations:3004"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dsscaffold-bench-") as folder:
        work = Path(folder)
        _help(work, arguments.runs)
        _new(work, arguments.runs)


def _help(work: Path, runs: int) -> None:
    (work / "bare.py").write_text(BARE)
    subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
    run([str(work / "venv" / "bin" / "pip"), "install", "--quiet", COOKIECUTTER], work)
    commands = {
        "dsscaffold --help": [*CLI, "--help"],
        "a bare Typer app": [sys.executable, "bare.py", "--help"],
        "cookiecutter --help": [str(work / "venv" / "bin" / "cookiecutter"), "--help"],
    }
    _compare({name: partial(run, command, work) for name, command in commands.items()}, runs)


def _new(work: Path, runs: int) -> None:
    catalogue = load_catalogue(find_templates(None))
    _copier_template(catalogue, work / "template")
    node = node_folder()
    polyglot = _install_polyglot(work, node)
    copier = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", "--data-file", "data.yaml", "template"]
    init = [str(node / "node"), str(polyglot), "init", "demo", "--services", SERVICES, "--yes", "--git"]
    (work / "gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.com\n")
    path = {**os.environ, "PATH": f"{node}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": str(work / "gitconfig")}
    commands = {
        "dsscaffold new --yes": lambda: run([*CLI, "new", "demo", "--yes"], work),
        "copier copy, the same templates": lambda: run([*copier, "demo"], work),
        "create-polyglot init --no-install": lambda: run([*init, "--no-install"], work, path),
        "create-polyglot init": lambda: run(init, work, path),
    }
    _compare({name: partial(_anew, call, work / "demo") for name, call in commands.items()}, runs)
    for name, call in commands.items():
        _anew(call, work / "demo")
        print(f"  {name:<34} writes {_files(work / 'demo')} files")


def _compare(calls: dict[str, Callable[[], object]], runs: int) -> None:
    seconds = in_turn(calls, runs)
    ours = next(iter(seconds))
    for name, times in seconds.items():
        report(name, times, "" if name == ours else f"ours takes {ratio(seconds[ours], times):.2f} x as long")


def _anew(call: Callable[[], object], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    call()


def _files(folder: Path) -> int:
    ignored = {".git", "node_modules"}
    return sum(1 for path in folder.rglob("*") if path.is_file() and ignored.isdisjoint(path.parts))


def _copier_template(catalogue: Catalogue, template: Path) -> None:
    """Write what the default preset renders as one template for copier, with every condition still in it."""
    plan = make_plan(load_preset("shop", "demo", catalogue), catalogue, __version__)
    for part in plan.parts:
        for path, source in (file for layer in part.layers for file in layer_files(layer)):
            target = template / part.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # A later layer's file hides an earlier one, templated or not.
            rendered = str(target).removesuffix(SUFFIX)
            for hidden in (Path(rendered), Path(f"{rendered}{SUFFIX}")):
                if hidden.is_file():
                    hidden.unlink()
            inside = source.suffix == SUFFIX and part.service
            head = f"{{% set service = _services[{part.service!r}] %}}" if inside else ""
            target.write_bytes(head.encode() + source.read_bytes())
    (template / "copier.yml").write_bytes((catalogue.root / "copier.yml").read_bytes())
    services = {service["name"]: service for service in plan.context["services"]}
    (template.parent / "data.yaml").write_text(yaml.safe_dump({**plan.context, "_services": services}))


def _install_polyglot(work: Path, node: Path) -> Path:
    """Install create-polyglot and return its program."""
    folder = work / "polyglot"
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}')
    path = {**os.environ, "PATH": f"{node}:{os.environ['PATH']}"}
    run([str(node / "npm"), "install", "--no-audit", "--no-fund", POLYGLOT], folder, path)
    return folder / "node_modules" / "create-polyglot" / "bin" / "index.js"


if __name__ == "__main__":
    main()
