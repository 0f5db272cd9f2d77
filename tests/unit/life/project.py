"""A generated project and its templates, both on disk, with the few moves that the tests make."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from dsscaffold.cli import main
from dsscaffold.commands.new import run_new
from dsscaffold.commands.update import run_update
from dsscaffold.project.catalogue import load_catalogue
from dsscaffold.project.manifest import Manifest, Service
from dsscaffold.templating.change import Options
from dsscaffold.templating.results import ChangeResult

LINES = "".join(f"line {number}\n" for number in range(1, 21))

TEMPLATES = {
    "copier.yml": '_min_copier_version: "9.15.0"\n_envops:\n  undefined: jinja2.StrictUndefined\n',
    "presets/blank.yaml": "title: Blank\nsummary: Blank\nversion: 1\nbroker: kafka\npatterns: []\nservices: {}\n",
    "repo/README.md.jinja": "# {{ project_name }}\n{% for service in services %}\n- {{ service.name }}\n{% endfor %}",
    "repo/.gitattributes": "* text=auto eol=lf\n*.xz binary\n/compose.yaml merge=union\n",
    "repo/.gitignore": ".env\n",
    "compose/compose.yaml.jinja": "include:\n{% for service in services %}  - {{ service.name }}\n{% endfor %}",
    "gateway/src/app.ts": LINES,
    "gateway/src/old/name.ts": LINES.replace("line", "name"),
    "gateway/src/old/other.ts": LINES.replace("line", "other"),
    "gateway/src/old/third.ts": LINES.replace("line", "third"),
    "gateway/logo.png": "\x89PNG\0\1\2",
    "gateway/run.sh": "#!/bin/sh\nexec true\n",
    "python-service/app/main.py": LINES.replace("line", "code"),
    "python-service/app/same.py": LINES.replace("line", "same"),
    "python-service/README.md.jinja": "# {{ service.name }}\n" + LINES,
    "java-service/Main.java": "class Main {}\n",
    "brokers/kafka/broker.yaml": "title: Kafka\nsummary: A log\n",
    "brokers/kafka/gateway/src/broker.ts": "export const broker = 'kafka';\n",
    "brokers/nats/broker.yaml": "title: NATS\nsummary: Messages\n",
    "brokers/nats/gateway/src/broker.ts": "export const broker = 'nats';\n",
    "patterns/saga/pattern.yaml": "title: Saga\nsummary: Saga\nrequires: {roles: [stock]}\n",
    "patterns/saga/gateway/src/saga.ts": LINES.replace("line", "step"),
    "patterns/tracing/pattern.yaml": "title: Tracing\nsummary: Tracing\n",
    "patterns/tracing/gateway/src/tracing.ts": LINES.replace("line", "span"),
    "roles/stock/role.yaml": "title: Stock\nsummary: Stock\n",
    "roles/stock/python-service/app/stock.py": LINES.replace("line", "stock"),
}
TWO = (Service("alpha", "python"), Service("beta", "python"))


def write_tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
        if name.endswith(".sh"):
            path.chmod(0o755)


@dataclass(frozen=True)
class Project:
    """A project at `path`, rendered from the folder `templates`, both of which a test may change."""

    path: Path
    templates: Path

    def run_git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=self.path, capture_output=True, text=True, check=False)

    def git(self, *arguments: str) -> str:
        done = self.run_git(*arguments)
        assert done.returncode == 0, f"git {arguments}: {done.stderr}{done.stdout}"
        return done.stdout

    def read(self, path: str) -> str:
        return (self.path / path).read_bytes().decode()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    def replace(self, path: str, old: str, new: str) -> None:
        assert old in self.read(path)
        self.write(path, self.read(path).replace(old, new))

    def template(self, path: str, old: str, new: str) -> None:
        file = self.templates / path
        text = file.read_bytes().decode()
        assert old in text
        file.write_bytes(text.replace(old, new).encode())

    def add_template(self, path: str, text: str) -> None:
        write_tree(self.templates, {path: text})

    def commit(self, message: str = "The team's work") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "--message", message)

    def update(self, options: Options | None = None) -> ChangeResult:
        return run_update(self.path, self.templates, options or Options())

    def status(self) -> str:
        return self.git("status", "--porcelain", "--untracked-files=all")

    def files(self) -> dict[str, bytes]:
        """Return every file of the work tree and the mode bits that git keeps, and what the index holds."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            inner = path.relative_to(self.path)
            if ".git" in inner.parts or (path.is_dir() and not path.is_symlink()):
                continue
            run = b"x" if path.stat(follow_symlinks=False).st_mode & 0o100 else b"-"
            found[str(inner)] = run + (os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes())
        found["<index>"] = self.git("ls-files", "--stage").encode()
        return found

    def index(self) -> list[str]:
        """Return the lines of the index: mode, object, stage, a tab, path."""
        return self.git("ls-files", "--stage", "-z").split("\0")[:-1]

    def everything(self) -> bytes:
        """Return all that git holds now: every file and link of the index, at every stage."""
        asked = "".join(f"{line.split(' ')[1]}\n" for line in self.index()).encode()
        command = ["git", "cat-file", "--batch"]
        return subprocess.run(command, cwd=self.path, input=asked, capture_output=True, check=True).stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the project, in this process: importing copier anew would cost half a second."""
        out, err = io.StringIO(), io.StringIO()
        argv, templates = sys.argv, os.environ.get("DSSCAFFOLD_TEMPLATES")
        sys.argv = ["dsscaffold", *arguments]
        os.environ["DSSCAFFOLD_TEMPLATES"] = str(self.templates)
        try:
            with contextlib.chdir(self.path), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.argv = argv
            del os.environ["DSSCAFFOLD_TEMPLATES"]
            if templates is not None:
                os.environ["DSSCAFFOLD_TEMPLATES"] = templates
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the project, in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "dsscaffold", *arguments],
            cwd=self.path,
            env={**os.environ, "DSSCAFFOLD_TEMPLATES": str(self.templates), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def make_project(
    folder: Path, services: tuple[Service, ...] = TWO, patterns: tuple[str, ...] = (), *, use_git: bool = True
) -> Project:
    """Write the templates and render a project from them."""
    templates = folder / "templates"
    write_tree(templates, TEMPLATES)
    path = folder / "demo"
    run_new(Manifest("demo", "kafka", patterns, services), load_catalogue(templates), path, use_git=use_git)
    return Project(path, templates)


def write_wheel(folder: Path, name: str, version: str, files: dict[str, bytes], runnable: tuple[str, ...] = ()) -> None:
    """Write a wheel that pip and uv install, with `files`."""
    stem = f"{name.replace('-', '_')}-{version}"
    about = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, data in {**files, **about}.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(data)}\n"
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if path in runnable else 0o100644) << 16
            wheel.writestr(entry, data)
        wheel.writestr(f"{stem}.dist-info/RECORD", f"{record}{stem}.dist-info/RECORD,,\n")


def person(home: Path) -> dict[str, str]:
    """Return the variables of a person with a git identity and no other settings."""
    home.mkdir(exist_ok=True)
    # Newer gits tidy up in the background after a commit: a file of theirs would come and go under the tests.
    (home / ".gitconfig").write_text(
        "[user]\n\tname = A\n\temail = a@example.com\n[init]\n\tdefaultBranch = main\n[maintenance]\n\tauto = false\n"
    )
    return {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "GIT_CONFIG_NOSYSTEM": "1"}
