"""Render a plan: plain files are copied, templated ones of all parts are composed into one tree that copier renders.

This is the only module that imports copier. A `run_copy` costs 50-100 ms before its first file and 8 ms for each, so
copier runs once, on the files that end in `.jinja` only; what it would do with the others is to copy them.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from types import CodeType
from typing import Any

from dsscaffold.errors import DsscaffoldError
from dsscaffold.project.plan import Part, Plan

SUFFIX = ".jinja"
SETTINGS = "copier.yml"
#: All that a text compiles to depends on, besides the text.
_SYNTAX = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline", "optimized", "autoescape"),
)
_COMPILED: dict[tuple[object, ...], CodeType] = {}
_SKIPPED = frozenset({"__pycache__", ".DS_Store", SETTINGS})


def render(plan: Plan, templates: Path, destination: Path) -> tuple[PurePosixPath, ...]:
    """Render `plan` into the folder `destination` and return the paths written, sorted.

    Raises:
        DsscaffoldError: a template does not render; nothing that was written before is removed.
    """
    with tempfile.TemporaryDirectory(prefix="dsscaffold-") as folder:
        tree = Path(folder)
        paths = [path for part in plan.parts for path in _compose(part, tree, destination)]
        _render_tree(plan, templates, tree, destination)
        templated = {path for path in paths if (tree / f"{path}{SUFFIX}").is_file()}
    return tuple(sorted(path for path in paths if path not in templated or not _drop_if_empty(destination / path)))


def render_contents(plan: Plan, templates: Path, scratch: Path) -> dict[str, tuple[str, bytes]]:
    """Return the git mode and content of each file of `plan` by path; only templated ones pass through `scratch`.

    Raises:
        DsscaffoldError: a template does not render.
    """
    tree, rendered = scratch / "tree", scratch / "rendered"
    tree.mkdir(parents=True)
    tops = {part.folder / path: (part, source) for part in plan.parts for path, source in _top_layer(part).items()}
    for path, (part, source) in tops.items():
        if source.suffix == SUFFIX:
            _prepare(part, source, _make_room(tree / f"{path}{SUFFIX}"))
    _render_tree(plan, templates, tree, rendered)
    files = {path: rendered / path if source.suffix == SUFFIX else source for path, (_, source) in tops.items()}
    contents = {path: (file.stat().st_mode, file.read_bytes()) for path, file in sorted(files.items())}
    return {
        str(path): ("100755" if mode & 0o100 else "100644", data)
        for path, (mode, data) in contents.items()
        if data or tops[path][1].suffix != SUFFIX
    }


def layer_files(layer: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield the files of a layer, each as (path inside the layer, path on disk), in a fixed order."""
    for path in sorted(layer.rglob("*")):
        relative = path.relative_to(layer)
        if path.is_file() and _SKIPPED.isdisjoint(relative.parts) and path.suffix not in {".pyc", ".pyo"}:
            yield PurePosixPath(relative), path


def _drop_if_empty(path: Path) -> bool:
    """Remove a file whose template came to nothing: that is how a condition picks whole files."""
    if path.stat().st_size:
        return False
    path.unlink()
    # So that no folder stays empty: removing one that is not empty is refused.
    with suppress(OSError):
        path.parent.rmdir()
    return True


def _compose(part: Part, tree: Path, destination: Path) -> Iterator[PurePosixPath]:
    """Lay the layers of `part` over each other: templated files in `tree`, the others in `destination`."""
    for rendered, source in _top_layer(part).items():
        path = part.folder / rendered
        if source.suffix == SUFFIX:
            _prepare(part, source, _make_room(tree / f"{path}{SUFFIX}"))
        else:
            shutil.copy(source, _make_room(destination / path))
        yield path


def _prepare(part: Part, source: Path, target: Path) -> None:
    """Copy a template to where copier finds it, with the service of its part in sight."""
    head = f"{{% set service = _services[{part.service!r}] %}}" if part.service else ""
    target.write_bytes(head.encode() + source.read_bytes())
    shutil.copymode(source, target)


def _render_tree(plan: Plan, templates: Path, tree: Path, destination: Path) -> None:
    """Render the tree of templates into `destination`."""
    shutil.copyfile(templates / SETTINGS, tree / SETTINGS)
    by_name = {service["name"]: service for service in plan.context["services"]}
    _run_copier(tree, destination, {**plan.context, "_services": by_name})


def _top_layer(part: Part) -> dict[PurePosixPath, Path]:
    """Return the file on top for every path; a later layer's file hides an earlier one, templated or not."""
    return {_rendered_path(relative): source for layer in part.layers for relative, source in layer_files(layer)}


def _make_room(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _rendered_path(relative: PurePosixPath) -> PurePosixPath:
    return relative.with_suffix("") if relative.suffix == SUFFIX else relative


def _run_copier(tree: Path, destination: Path, data: dict[str, Any]) -> None:
    import copier
    import jinja2

    try:
        with _compile_once(), _no_git():
            copier.run_copy(
                str(tree),
                destination,
                data=data,
                defaults=True,
                quiet=True,
                overwrite=True,
                skip_tasks=True,
                unsafe=False,
                settings=copier.Settings(),
            )
    except jinja2.TemplateError as error:
        where = f" ({error.name}, line {error.lineno})" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise DsscaffoldError(
            f"A template does not render: {error.message}{where}.",
            "If these are templates of your own, see docs/architecture.md; else please report it.",
        ) from error
    except copier.errors.CopierError as error:
        raise DsscaffoldError(f"The templates cannot be rendered: {error}.") from error


@contextmanager
def _compile_once() -> Iterator[None]:
    """Let Jinja compile each distinct text once: copier compiles the pieces of a path anew for every file.

    Compiled code depends on the text and the settings of the environment only. Base and target of a merge are mostly
    the same texts, so what was compiled for one is kept for the other.
    """
    import jinja2

    original = jinja2.Environment.compile

    def compile_once(self: jinja2.Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(source, str) or args or kwargs:
            return original(self, source, *args, **kwargs)
        key = (source, type(self), *sorted(self.extensions), *(str(getattr(self, name)) for name in _SYNTAX))
        if key not in _COMPILED:
            _COMPILED[key] = original(self, source)
        return _COMPILED[key]

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign]
    try:
        yield
    finally:
        jinja2.Environment.compile = original  # type: ignore[method-assign]


@contextmanager
def _no_git() -> Iterator[None]:
    """Keep copier from starting git once for every file: it renders into no repository, and that is half of its time.

    The name is copier's own business; where another release of it has none, it is only slower.
    """
    module = importlib.import_module("copier._main")
    original = getattr(module, "is_git_available", None)
    if original is None:
        yield
        return
    module.__dict__["is_git_available"] = lambda: False
    try:
        yield
    finally:
        module.__dict__["is_git_available"] = original
