"""The catalogue: what the folders under templates/ offer. No name of a pattern, broker or role stands in the code."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dsscaffold.errors import UsageError
from dsscaffold.project.installed import how_to_repair
from dsscaffold.project.names import did_you_mean
from dsscaffold.project.yaml_source import read_yaml

_SERVICE_SUFFIX = "-service"


@dataclass(frozen=True)
class Requirements:
    """What must, and what must not, stand beside an entry in one manifest.

    `reserves` are names that no blank service may have then: the gateway has a call of its own at /api/<name>.
    """

    patterns: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    reserves: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One pattern, broker, role or license. `folder` holds its layers, a folder for each part that it adds to.

    `url` is where a broker is for whoever uses it, in the form that its client takes.
    """

    name: str
    title: str
    summary: str
    folder: Path
    requires: Requirements
    week: int | None = None
    url: str | None = None

    def layer(self, target: str) -> Path | None:
        """Return the folder that this entry lays over `target` ("gateway", "python-service"), if it has one."""
        folder = self.folder / target
        return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Catalogue:
    """Everything that can be rendered from one templates folder."""

    root: Path
    languages: tuple[str, ...]
    patterns: dict[str, Entry]
    brokers: dict[str, Entry]
    roles: dict[str, Entry]
    licenses: dict[str, Entry]
    presets: dict[str, Path]

    def base(self, target: str) -> Path:
        """Return the folder of a base template, e.g. of "gateway"."""
        return self.root / target

    def preset(self, name: str) -> Path:
        """Return the manifest of a preset.

        Raises:
            UsageError: there is no preset of that name.
        """
        if name not in self.presets:
            raise UsageError(f"There is no preset {name!r}.", did_you_mean(name, self.presets))
        return self.presets[name]


def find_templates(given: Path | None) -> Path:
    """Return the templates folder: `given`, else DSSCAFFOLD_TEMPLATES, else the one installed with the package.

    Raises:
        UsageError: the folder that was named does not hold templates.
    """
    named = given or (Path(value) if (value := os.environ.get("DSSCAFFOLD_TEMPLATES")) else None)
    if named is None:
        return _installed_templates()
    if not (named / "gateway").is_dir() or not (named / "presets").is_dir():
        raise UsageError(
            f"{named} is not a templates folder.",
            "It needs the layout of the installed one: gateway/, presets/, ...",
        )
    return named.resolve()


def load_catalogue(root: Path) -> Catalogue:
    """Read the catalogue of the templates folder `root`."""
    suffix = len(_SERVICE_SUFFIX)
    languages = sorted(folder.name[:-suffix] for folder in root.glob(f"*{_SERVICE_SUFFIX}"))
    return Catalogue(
        root=root,
        languages=tuple(languages),
        patterns=_read_entries(root / "patterns", "pattern.yaml"),
        brokers=_read_entries(root / "brokers", "broker.yaml", _KEYS | {"url"}),
        roles=_read_entries(root / "roles", "role.yaml"),
        licenses=_read_entries(root / "licenses", "license.yaml"),
        presets={path.stem: path for path in sorted((root / "presets").glob("*.yaml"))},
    )


def _installed_templates() -> Path:
    package = Path(__file__).resolve().parents[1]
    # A wheel carries the folder inside the package; an editable install uses the one of the repository.
    for folder in (package / "_templates", package.parents[1] / "templates"):
        if folder.is_dir():
            return folder
    raise UsageError("The templates of dsscaffold are missing.", how_to_repair())


_KEYS = frozenset({"title", "summary", "requires", "conflicts", "reserves", "week"})
_REQUIRES = frozenset({"patterns", "roles"})


def _read_entries(folder: Path, filename: str, keys: frozenset[str] = _KEYS) -> dict[str, Entry]:
    return {path.parent.name: _read_entry(path, keys) for path in sorted(folder.glob(f"*/{filename}"))}


def _read_entry(path: Path, keys: frozenset[str]) -> Entry:
    source = read_yaml(path)
    data = source.mapping((), source.data, keys)
    requires = source.mapping(("requires",), data.get("requires"), _REQUIRES)
    return Entry(
        name=path.parent.name,
        title=source.text(("title",), data.get("title")),
        summary=source.text(("summary",), data.get("summary")),
        folder=path.parent,
        requires=Requirements(
            patterns=source.texts(("requires", "patterns"), requires.get("patterns")),
            roles=source.texts(("requires", "roles"), requires.get("roles")),
            conflicts=source.texts(("conflicts",), data.get("conflicts")),
            reserves=source.texts(("reserves",), data.get("reserves")),
        ),
        week=data.get("week"),
        # Templates of an older release do not say it, and ask for it nowhere.
        url=source.text(("url",), data["url"]) if "url" in data else None,
    )
