"""Edits of the manifest: exact, and nothing else in the file moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsscaffold.errors import UsageError
from dsscaffold.project.manifest_text import ManifestText

TEXT = """\
# Ours.
version: 1   # the format
name:  demo

broker: kafka # for now
patterns: [orders,saga]  # week 5
services:
  # the shop
  beta: {lang: python}   # beta's
  # the rest
  delta:
    lang: java   # why java
    role: stock
# the end
"""
Edit = Callable[[ManifestText], ManifestText]


def _text(text: str) -> ManifestText:
    return ManifestText(Path("dsscaffold.yaml"), text)


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (lambda text: text.set_word("broker", "nats"), "broker: kafka # for now", "broker: nats # for now"),
        (lambda text: text.set_list("patterns", ["a", "b"]), "[orders,saga]", "[a, b]"),
        (lambda text: text.set_list("patterns", []), "[orders,saga]", "[]"),
        (
            lambda text: text.add_service("alpha", "{lang: java}"),
            "  beta: {lang: python}",
            "  alpha: {lang: java}\n  beta: {lang: python}",
        ),
        (
            lambda text: text.add_service("carol", "{lang: java}"),
            "   # beta's\n",
            "   # beta's\n  carol: {lang: java}\n",
        ),
        (
            lambda text: text.add_service("zeta", "{lang: java}"),
            "    role: stock\n",
            "    role: stock\n  zeta: {lang: java}\n",
        ),
        (lambda text: text.remove_service("beta"), "  beta: {lang: python}   # beta's\n", ""),
        (lambda text: text.remove_service("delta"), "  delta:\n    lang: java   # why java\n    role: stock\n", ""),
        (
            lambda text: text.rename_service("beta", "gamma", "{lang: python, id: beta}"),
            "beta: {lang: python}",
            "gamma: {lang: python, id: beta}",
        ),
        (
            lambda text: text.rename_service("delta", "eta", "{lang: java, role: stock, id: delta}"),
            "  delta:\n    lang: java   # why java\n    role: stock\n",
            "  eta:\n    lang: java   # why java\n    role: stock\n    id: delta\n",
        ),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_what_is_meant_changes(edit: Edit, old: str, new: str, newline: str) -> None:
    assert TEXT.count(old) == 1
    done = edit(_text(TEXT.replace("\n", newline))).text
    assert done == TEXT.replace(old, new).replace("\n", newline)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("services: {}\n", "services:\n  a: {lang: java}\n"),
        ("services:\n", "services:\n  a: {lang: java}\n"),
        ("services:\n# the end\n", "services:\n  a: {lang: java}\n# the end\n"),
        ("name: x\n", "name: x\nservices:\n  a: {lang: java}\n"),
        ("name: x", "name: x\nservices:\n  a: {lang: java}\n"),
        ("services: {b: {lang: java}}\n", "services: {b: {lang: java}, a: {lang: java}}\n"),
        ("services:\n  b: {lang: java}", "services:\n  a: {lang: java}\n  b: {lang: java}"),
        ("services:\n  z: {}\n  b: {}", "services:\n  z: {}\n  b: {}\n  a: {lang: java}\n"),
    ],
)
def test_a_service_comes_into_any_layout_and_goes_again(before: str, after: str) -> None:
    added = _text(before).add_service("a", "{lang: java}")
    assert added.text == after
    assert (added.remove_service("a").data.get("services") or {}) == (_text(before).data.get("services") or {})


def test_lists_with_one_item_a_line_keep_their_comments() -> None:
    text = _text("patterns:\n  - saga  # first\n  # why\n  - orders\nname: x\n")
    assert text.set_list("patterns", ["orders", "saga", "auth"]).text == (
        "patterns:\n  - saga  # first\n  # why\n  - orders\n  - auth\nname: x\n"
    )
    assert text.set_list("patterns", ["orders"]).text == "patterns:\n  # why\n  - orders\nname: x\n"


def test_an_id_that_is_not_needed_any_more_goes_alone() -> None:
    text = _text("services:\n  eta:\n    id: delta\n    lang: java  # why java\n")
    renamed = text.rename_service("eta", "delta", "{lang: java}")
    assert renamed.text == "services:\n  delta:\n    lang: java  # why java\n"


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("patterns: [\n  saga,  # why\n  orders,\n]\n", lambda text: text.set_list("patterns", ["orders"])),
        ("patterns:\n  # why\n  - saga\n", lambda text: text.set_list("patterns", [])),
        ("services:\n  # why\n  a: {lang: java}\n", lambda text: text.remove_service("a")),
        ("services: {a: {lang: java}, # why\n  b: {lang: java}}\n", lambda text: text.remove_service("b")),
        ("services: {a: {lang: java}, # why\n  b: {lang: java}}\n", lambda text: text.remove_service("a")),
        (
            "services:\n  a: {lang: java, # why\n    role: x}\n",
            lambda text: text.rename_service("a", "b", "{lang: java, role: x, id: a}"),
        ),
    ],
)
def test_a_comment_of_the_team_is_never_dropped(text: str, edit: Edit) -> None:
    with pytest.raises(UsageError, match="cannot edit"):
        edit(_text(text))


def test_what_cannot_be_followed_is_left_alone() -> None:
    text = _text("services:\n  a: &same {lang: java}\n  b: *same\n")
    with pytest.raises(UsageError, match="cannot edit") as caught:
        text.remove_service("a")
    assert "by hand" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: x\n", "services must be a mapping"),
        ("services: [a]\n", "services must be a mapping"),
        ("services: {orders: orders}\n", "services.orders must be a mapping"),
        ("services: {orders: {id: [a]}}\n", "services.orders.id must be a word"),
        ("patterns: [[a]]\n", "patterns must be a word"),
    ],
)
def test_what_is_no_manifest_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    manifest = ManifestText(tmp_path / "dsscaffold.yaml", text)
    with pytest.raises(UsageError, match=rf"dsscaffold\.yaml:1: {message}"):
        _ = manifest.identities, manifest.patterns


_NAMES = st.sampled_from(["a", "b", "c", "d", "e"])


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), _NAMES), max_size=12))
def test_any_row_of_edits_says_what_was_asked(steps: list[tuple[bool, str]]) -> None:
    text, expected = _text(TEXT), dict(_text(TEXT).services)
    for add, name in steps:
        if add and name not in expected:
            text, expected = text.add_service(name, "{lang: java}"), {**expected, name: {"lang": "java"}}
        elif not add and name in expected:
            del expected[name]
            text = text.remove_service(name)
    assert text.services == expected
    assert "# Ours." in text.text
    assert text.text.endswith("# the end\n")
