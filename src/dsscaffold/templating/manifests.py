"""Package manifests in conflict: both sides added a package, next to each other in a list that is sorted.

To git these are the same lines. Package by package there is a conflict only where both sides want another version.
"""

from __future__ import annotations

import re

from dsscaffold.templating.lockers import LOCKERS, Locker
from dsscaffold.templating.merging import BASE, OURS, THEIRS, Merged, is_simple
from dsscaffold.templating.repository import Entry
from dsscaffold.templating.scratch import Scratch
from dsscaffold.templating.sides import Part, Sides

_BLOCK = re.compile(
    rb"^<{7} .*\n(?P<ours>(?:.*\n)*?)\|{7} .*\n(?P<base>(?:.*\n)*?)={7}\n(?P<theirs>(?:.*\n)*?)>{7} .*\n", re.MULTILINE
)
#: A package on a line of its own: `"name": "1.0",` in package.json, `"name>=1.0",` in pyproject.toml.
_PACKAGE = re.compile(rb'[ \t]*"(?P<name>@?[\w./-]+)(?:"[ \t]*:[ \t]*"|\[|[ \t]*[<>=!~;@ ])?[^"]*"')
_Packages = dict[bytes, bytes]


def settle_manifests(scratch: Scratch, sides: Sides, merged: Merged) -> Merged:
    """Merge the lists of packages once more where a manifest is in conflict, and settle it if nothing else is.

    What both sides added in two places is no conflict to git; it is one here, since it stands there twice then.
    """
    for path, stages in list(merged.stages.items()):
        locker = _locker(path)
        if locker is None or stages.keys() != {BASE, OURS, THEIRS}:
            continue
        base, ours, theirs = scratch.blobs(*(stages[number].oid for number in (BASE, OURS, THEIRS)))
        text = merge_packages(scratch.merge_file(ours, base, theirs))
        if text is not None and locker.reads(text):
            merged.entries[path] = Entry(merged.entries[path].mode, scratch.keep(text))
            del merged.stages[path]
            merged.reasons.pop(path, None)
    for part in sides.parts:
        if not is_simple(part):
            _find_doubled(scratch, part, merged)
    return merged


def _locker(path: str) -> Locker | None:
    return next((each for each in LOCKERS if path.split("/")[-1] == each.manifest), None)


def _find_doubled(scratch: Scratch, part: Part, merged: Merged) -> None:
    for path in sorted(part.base.keys() & part.ours.keys() & part.theirs.keys() & merged.entries.keys()):
        locker, result = _locker(path), merged.entries[path]
        sides = {BASE: part.base[path], OURS: part.ours[path], THEIRS: part.theirs[path]}
        if locker is None or path in merged.stages or result in sides.values():
            continue
        text, *texts = scratch.blobs(result.oid, sides[OURS].oid, sides[THEIRS].oid)
        twice = locker.doubled(text).difference(*map(locker.doubled, texts))
        if twice:
            merged.reasons[path] = f"both added {', '.join(sorted(twice))}, in two places; keep one"
        elif not locker.reads(text) and all(map(locker.reads, texts)):
            merged.reasons[path] = "merged, it cannot be read any more"
        else:
            continue
        merged.stages[path] = sides


def merge_packages(text: bytes) -> bytes | None:
    """Return `text`, a merge with markers in the style diff3, without them; None where a person has to choose."""
    blocks = [_merge_block(found) for found in _BLOCK.finditer(text)]
    if not blocks or None in blocks:
        return None
    rest = iter(blocks)
    return _BLOCK.sub(lambda _: next(rest) or b"", text)


def _merge_block(block: re.Match[bytes]) -> bytes | None:
    sides = [_packages(block[name]) for name in ("base", "ours", "theirs")]
    base, ours, theirs = sides
    if base is None or ours is None or theirs is None:
        return None
    merged: _Packages = {}
    for name in sorted(base.keys() | ours.keys() | theirs.keys()):
        was, our, their = base.get(name), ours.get(name), theirs.get(name)
        if was not in (our, their) and our != their:
            return None
        line = their if our == was else our
        if line is not None:
            merged[name] = line
    # JSON has no comma after the last item of a list; what follows the block is the same for both sides.
    ends = {block[name].rstrip().endswith(b",") for name in ("ours", "theirs") if block[name].strip()}
    if len(ends) != 1:
        return None
    return b",\n".join(merged.values()) + (b",\n" if ends == {True} else b"\n") if merged else b""


def _packages(lines: bytes) -> _Packages | None:
    """Return the lines of one side by the package that each names, without commas; None if there is anything else."""
    found: _Packages = {}
    for line in lines.splitlines():
        bare = line.rstrip().removesuffix(b",")
        package = _PACKAGE.fullmatch(bare)
        if package is None or package["name"] in found:
            return None
        found[package["name"]] = bare
    return found
