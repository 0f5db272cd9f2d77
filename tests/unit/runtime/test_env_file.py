from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsscaffold.errors import UsageError
from dsscaffold.runtime.compose.env_file import parse_env

keys = st.text(string.ascii_uppercase + "_", min_size=1, max_size=8)
one_line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\x85"), max_size=20)


def parse(text: str, variables: dict[str, str] | None = None) -> dict[str, str]:
    return parse_env(text, "some.env", variables or {}, lambda _: None)


@given(st.dictionaries(keys, one_line, max_size=5))
def test_double_quotes_hold_any_line(values: dict[str, str]) -> None:
    def quote(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")

    assert parse("".join(f'{key}="{quote(value)}"\n' for key, value in values.items())) == values


@given(st.dictionaries(keys, one_line.filter(lambda text: "'" not in text), max_size=5))
def test_single_quotes_take_everything_as_it_is(values: dict[str, str]) -> None:
    assert parse("".join(f"{key}='{value}'\n" for key, value in values.items())) == values


def test_what_people_write() -> None:
    text = """
    # a comment
    export PLAIN=one two   # a comment too
    HASH=a#b
    EMPTY=
    REFERS=${PLAIN}/${SHELL_ONE}/${NONE:-d}
    ESCAPED="a\\tb\\"c\\$d"
    SINGLE='${PLAIN} # kept'
    COMMENTED="x" # gone
    FROM_SHELL
    NOT_THERE
    """
    assert parse(text, {"SHELL_ONE": "s", "FROM_SHELL": "f"}) == {
        "PLAIN": "one two",
        "HASH": "a#b",
        "EMPTY": "",
        "REFERS": "one two/s/d",
        "ESCAPED": 'a\tb"c$d',
        "SINGLE": "${PLAIN} # kept",
        "COMMENTED": "x",
        "FROM_SHELL": "f",
    }


def test_the_shell_wins_in_a_reference() -> None:
    assert parse("A=file\nB=$A", {"A": "shell"}) == {"A": "file", "B": "shell"}


@pytest.mark.parametrize("line", ["no equals sign here", "=x", 'A="open', "A='open", "1A=x", 'A="x" y', "A=${"])
def test_an_error_names_file_and_line(line: str) -> None:
    with pytest.raises(UsageError, match=r"^some\.env:2: "):
        parse(f"GOOD=1\n{line}\n")
