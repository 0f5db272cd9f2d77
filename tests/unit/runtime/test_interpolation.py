from __future__ import annotations

import string
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsscaffold.runtime.compose.interpolation import InterpolationError, interpolate

names = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=3).filter(lambda n: not n[0].isdigit())
plain = st.text(st.characters(exclude_characters="${}", exclude_categories=["Cs"]), max_size=6)


@dataclass(frozen=True)
class Case:
    """A text, and what it must become."""

    text: str
    variables: dict[str, str]
    expected: str


def nothing(_: str) -> None:
    pass


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Build a text and its value side by side, so that the expectation owes nothing to the parser."""
    variables = draw(st.dictionaries(names, st.text(max_size=4), max_size=4))

    def reference(depth: int) -> tuple[str, str]:
        name = draw(names)
        value = variables.get(name)
        operator = draw(st.sampled_from(["", "-", ":-", "+", ":+"]))
        if not operator:
            return f"${{{name}}}", value or ""
        word, meaning = pieces(depth + 1)
        there = bool(value) if operator[0] == ":" else value is not None
        if operator[-1] == "+":
            return f"${{{name}{operator}{word}}}", meaning if there else ""
        return f"${{{name}{operator}{word}}}", (value or "") if there else meaning

    def pieces(depth: int) -> tuple[str, str]:
        text = expected = ""
        for _ in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from(["plain", "dollar", "reference"] if depth < 3 else ["plain", "dollar"]))
            if kind == "plain":
                literal = draw(plain)
                piece = (literal, literal)
            else:
                piece = ("$$", "$") if kind == "dollar" else reference(depth)
            text, expected = text + piece[0], expected + piece[1]
        return text, expected

    text, expected = pieces(0)
    return Case(text, variables, expected)


@given(cases())
def test_every_form_and_any_nesting(case: Case) -> None:
    assert interpolate(case.text, case.variables, nothing) == case.expected


@given(st.text())
def test_doubled_dollars_are_the_text_itself(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}, nothing) == text


@given(st.text(alphabet="$A{}:-?+ x"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InterpolationError):
        assert isinstance(interpolate(text, {"A": "1"}, nothing), str)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A-$B", "1-"),
        ("${A}b", "1b"),
        ("http://${HOST:-localhost}:${PORT:-80}/", "http://localhost:80/"),
        ("${EMPTY-d}|${EMPTY:-d}", "|d"),
        ("${B:-${A}}", "1"),
        ("${A:+yes}${B:+no}", "yes"),
        ("{A} } }}", "{A} } }}"),
        ("${A:?never seen}", "1"),
        ("${A:-${B:?an unused default is not read}}", "1"),
    ],
)
def test_examples(text: str, value: str) -> None:
    assert interpolate(text, {"A": "1", "EMPTY": ""}, nothing) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${A:?set it}", "A is required: set it"),
        ("${EMPTY:?}", "EMPTY is required"),
        ("${A", "not closed"),
        ("costs 5$", "written `$$`"),
        ("${1}", "is no variable"),
        ("${A!x}", "not closed"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InterpolationError, match=reason.replace("$", r"\$")):
        interpolate(text, {"EMPTY": ""}, nothing)


def test_unset_variables_are_reported_once_each_use() -> None:
    unset: list[str] = []
    interpolate("$A ${B} ${C:-d}", {}, unset.append)
    assert unset == ["A", "B"]
