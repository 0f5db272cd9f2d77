"""Render plans: plain files are taken as they are, templated ones are rendered by copier.

A `run_copy` costs 50-100 ms before its first file and some for each. So it runs once for all plans (a merge has two),
over the distinct texts that end in `.jinja`: each is rendered in one go for every place that uses it, in a loop around
it whose variables are the context of that place. So twenty services cost hardly more than one, and a target that shares
its templates with the base hardly more than the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dsscaffold.project.plan import Plan
from dsscaffold.templating.ahead import dismiss_copier, render_ahead
from dsscaffold.templating.copying import run_copier
from dsscaffold.templating.temporary import work_folder

SUFFIX = ".jinja"
SETTINGS = "copier.yml"
#: By path in the project: the mode that git keeps, and the content.
Contents = dict[str, tuple[str, bytes]]
_SKIPPED = frozenset({"__pycache__", ".DS_Store", SETTINGS})
#: Stands before what each place gets: a template is text, and has no such thing.
_CUT = "\0dsscaffold\0"


def render(plan: Plan, templates: Path, destination: Path) -> tuple[PurePosixPath, ...]:
    """Render `plan` into the folder `destination` and return the paths written, sorted.

    Raises:
        DsscaffoldError: a template does not render; nothing is written then.
    """
    (contents,) = render_contents([(plan, templates)])
    for path, (mode, data) in contents.items():
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        if mode == "100755":
            target.chmod(target.stat().st_mode | 0o111)
    return tuple(sorted(map(PurePosixPath, contents)))


def render_contents(plans: Sequence[tuple[Plan, Path]]) -> list[Contents]:
    """Return the mode and content of every file of each plan; with a plan comes its folder of templates.

    Raises:
        DsscaffoldError: a template does not render.
    """
    layers = _Layers()
    batches: dict[bytes, _Batch] = {}
    results: list[Contents] = []
    for plan, templates in plans:
        settings = (templates / SETTINGS).read_bytes()
        batch = batches.setdefault(settings, _Batch(settings))
        contents: Contents = {}
        results.append(contents)
        services = {service["name"]: service for service in plan.context["services"]}
        for part in plan.parts:
            context = {**plan.context, "service": services[part.service]} if part.service else plan.context
            for path, source in layers.on_top(part.layers).items():
                if source.path.suffix == SUFFIX:
                    batch.add(source, context, contents, str(part.folder / path))
                else:
                    contents[str(part.folder / path)] = source.mode, source.data
    for batch in batches.values():
        batch.render()
    dismiss_copier()
    return [{path: contents[path] for path in sorted(contents)} for contents in results]


def layer_files(layer: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield the files of a layer, each as (path inside the layer, path on disk), in a fixed order."""
    for path in sorted(layer.rglob("*")):
        relative = path.relative_to(layer)
        if path.is_file() and _SKIPPED.isdisjoint(relative.parts) and path.suffix not in {".pyc", ".pyo"}:
            yield PurePosixPath(relative), path


@dataclass(frozen=True)
class _Source:
    """A file of the templates."""

    path: Path
    mode: str
    data: bytes


class _Layers:
    """The layers of the parts, each read once: every service of a language has the same."""

    def __init__(self) -> None:
        self._read: dict[Path, dict[PurePosixPath, _Source]] = {}

    def on_top(self, layers: tuple[Path, ...]) -> dict[PurePosixPath, _Source]:
        """Return the file on top for every rendered path; a later layer's hides an earlier one, templated or not."""
        return {path: source for layer in layers for path, source in self._files(layer).items()}

    def _files(self, layer: Path) -> dict[PurePosixPath, _Source]:
        if layer not in self._read:
            self._read[layer] = {
                relative.with_suffix("") if relative.suffix == SUFFIX else relative: _Source(
                    path, "100755" if path.stat().st_mode & 0o100 else "100644", path.read_bytes()
                )
                for relative, path in layer_files(layer)
            }
        return self._read[layer]


@dataclass(frozen=True)
class _Use:
    """A place that gets what a template renders to: the values of its variables, and where the result belongs."""

    values: tuple[Any, ...]
    contents: Contents
    path: str
    mode: str


@dataclass(frozen=True)
class _Batch:
    """The templated files of all plans that have the same settings of copier."""

    settings: bytes
    uses: dict[tuple[bytes, tuple[str, ...]], list[_Use]] = field(default_factory=dict)
    names: dict[bytes, str] = field(default_factory=dict)

    def add(self, source: _Source, context: Mapping[str, Any], contents: Contents, path: str) -> None:
        """Ask for a file to be rendered with `context` into `contents`."""
        variables = tuple(sorted(context))
        use = _Use(tuple(context[name] for name in variables), contents, path, source.mode)
        self.uses.setdefault((source.data, variables), []).append(use)
        self.names.setdefault(source.data, path)

    def render(self) -> None:
        """Render all that was asked for; a template that comes to nothing is a file that is not there."""
        if not self.uses:
            return
        with work_folder() as folder:
            tree, rendered = folder / "tree", folder / "rendered"
            tree.mkdir()
            (tree / SETTINGS).write_bytes(self.settings)
            for number, (source, variables) in enumerate(self.uses):
                head = f"{{% for {', '.join(variables)} in _uses[{number}] %}}{_CUT}"
                (tree / f"{number}{SUFFIX}").write_bytes(head.encode() + source + b"{% endfor %}")
            names = {f"{number}{SUFFIX}": self.names[source] for number, (source, _) in enumerate(self.uses)}
            values = [[use.values for use in uses] for uses in self.uses.values()]
            if not render_ahead(tree, rendered, values):
                run_copier(tree, rendered, values, names)
            for number, uses in enumerate(self.uses.values()):
                _, *results = (rendered / str(number)).read_bytes().split(_CUT.encode())
                for use, data in zip(uses, results, strict=True):
                    if data:
                        use.contents[use.path] = use.mode, data
