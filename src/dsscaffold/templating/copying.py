"""Let copier render one folder; as a program, whatever folders its standard input asks for.

This is the only module that imports copier.
"""

from __future__ import annotations

import gc
import importlib
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dsscaffold.errors import DsscaffoldError

#: What the program says after each rendering.
DONE = b"rendered\n"
#: What a template gets, for each template and each place that uses it: the values of its variables.
Uses = Sequence[Sequence[Sequence[Any]]]


def run_copier(tree: Path, destination: Path, uses: Uses, names: Mapping[str, str]) -> None:
    """Render the folder `tree` into `destination`; `names` says which file of the project each of its files is for.

    Raises:
        DsscaffoldError: a template does not render.
    """
    import copier
    import jinja2

    try:
        with _no_git():
            copier.run_copy(
                str(tree),
                destination,
                data={"_uses": uses},
                defaults=True,
                quiet=True,
                overwrite=True,
                skip_tasks=True,
                unsafe=False,
                settings=copier.Settings(),
            )
    except jinja2.TemplateError as error:
        where = ""
        if isinstance(error, jinja2.TemplateSyntaxError):
            where = f" ({names.get(error.name or '', error.name)}, line {error.lineno})"
        raise DsscaffoldError(
            f"A template does not render: {error.message}{where}.",
            "If these are templates of your own, see docs/architecture.md; else please report it.",
        ) from error
    except copier.errors.CopierError as error:
        raise DsscaffoldError(f"The templates cannot be rendered: {error}.") from error


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


def main() -> None:
    """Import copier at once, and render what standard input asks for; the first failure ends the program in silence.

    Whoever asked renders it again without us then, and so hears the reason first-hand.
    """
    # It lives for a second: what the collector would find is gone sooner than it looks.
    gc.disable()
    importlib.import_module("copier")
    with suppress(EOFError):
        while True:
            tree, destination, uses = pickle.load(sys.stdin.buffer)
            run_copier(tree, destination, uses, {})
            sys.stdout.buffer.write(DONE)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
