"""Lists of one item a line (`merge=union` in our .gitattributes): after a merge, no item twice, and none that is gone.

Git's union keeps both sides' lines of a hunk that both touched. Once two branches have each added a service, the
lines are there in another order than the templates', so the next merge would keep lines of both orders.
"""

from __future__ import annotations

import os
from collections import Counter

from dsscaffold.templating.git import plumb
from dsscaffold.templating.merging import Merged
from dsscaffold.templating.repository import Entry
from dsscaffold.templating.scratch import Scratch
from dsscaffold.templating.sides import Part, Sides


def settle_unions(scratch: Scratch, sides: Sides, merged: Merged) -> Merged:
    """Merge the files that are lists once more, item by item."""
    differing = {
        path: part
        for part in sides.parts
        for path, entry in part.ours.items()
        if path in merged.entries and path not in merged.stages and _all_differ(part, path, entry)
    }
    said = plumb(scratch.repo.root, "check-attr", "-z", "--stdin", "merge", stdin=scratch.repo.names(sorted(differing)))
    words = said.split(b"\0")
    named = [os.fsdecode(name) for name, value in zip(words[0::3], words[2::3], strict=False) if value == b"union"]
    declared = _declared(scratch, sides) if named else set()
    for path in named:
        if path in declared:
            _settle(scratch, differing[path], merged, path)
    return merged


def _declared(scratch: Scratch, sides: Sides) -> set[str]:
    """Return the files that the templates call lists; what a team gives `merge=union` to may be anything."""
    prefix = scratch.repo.prefix
    attributes = f"{prefix}.gitattributes"
    found = (part.theirs[attributes] for part in sides.parts if attributes in part.theirs)
    lines = [line.split() for entry in found for line in scratch.blob(entry.oid).decode().splitlines()]
    return {f"{prefix}{words[0].lstrip('/')}" for words in lines if "merge=union" in words[1:]}


def merge_items(base: list[bytes], ours: list[bytes], theirs: list[bytes], union: list[bytes]) -> list[bytes]:
    """Return the lines of a list after a merge: those of `union`, each as often as the three sides say.

    A line that stands twice on one side, such as a blank one, is no item: of those git's union has as many as it takes.
    """
    was, our, their = Counter(base), Counter(ours), Counter(theirs)
    if was == our:
        return theirs
    result = []
    left = Counter(union)
    for line in left:
        if max(was[line], our[line], their[line]) == 1:
            left[line] = _times(was[line], our[line], their[line])
    for line in union:
        if left[line] > 0:
            left[line] -= 1
            result.append(line)
    return result


def _times(was: int, ours: int, theirs: int) -> int:
    """Return how often a line stands in the result: what one side took out stays out, unless the other added it."""
    if theirs < was and ours <= was:
        return min(ours, theirs)
    if ours < was and theirs <= was:
        return ours
    return max(ours, theirs)


def _all_differ(part: Part, path: str, ours: Entry) -> bool:
    base, theirs = part.base.get(path), part.theirs.get(path)
    return base is not None and theirs is not None and len({base.oid, ours.oid, theirs.oid}) == 3


def _settle(scratch: Scratch, part: Part, merged: Merged, path: str) -> None:
    entry = merged.entries[path]
    oids = (part.base[path].oid, part.ours[path].oid, part.theirs[path].oid, entry.oid)
    lines = merge_items(*(_lines(blob) for blob in scratch.blobs(*oids)))
    merged.entries[path] = Entry(entry.mode, scratch.keep(b"".join(lines)))


def _lines(blob: bytes) -> list[bytes]:
    """Return the lines of a file; the last one is the same item with a line end and without."""
    whole = blob if not blob or blob.endswith(b"\n") else blob + b"\n"
    return whole.splitlines(keepends=True)
