from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import Kind, split


def test_words_in_strings_and_quoted_names_are_no_words() -> None:
    tokens = split(r"SELECT 'INTO \'OUTFILE''', `SETTINGS`, a.file FROM t")
    assert [token.text for token in tokens if token.kind is Kind.WORD] == ["SELECT", "a", "file", "FROM", "t"]
    assert [token.text for token in tokens if token.kind is Kind.QUOTED] == ["SETTINGS"]
    assert not any(token.says("SETTINGS", "INTO") for token in tokens)


@pytest.mark.parametrize(
    "sql",
    ["SELECT 'open", "SELECT `open", "SELECT -- comment", "SELECT /* c */ 1", "SELECT \u201cx\u201d", "SELECT 1x"],
)
def test_what_is_no_token_is_refused(sql: str) -> None:
    with pytest.raises(DatabaseError, match="62"):
        split(sql)


def test_a_functions_parenthesis_touches_its_name() -> None:
    name, parenthesis, *_ = split("f(x)")
    assert name.end == parenthesis.start


@given(st.text(alphabet="abSELECT '`\\\"/*-\n(){}[],.;:1_$ü", max_size=60))
def test_splitting_ends_in_tokens_that_cover_the_text_or_in_a_refusal(sql: str) -> None:
    try:
        tokens = split(sql, comments=True)
    except DatabaseError:
        return
    assert all(one.end <= other.start for one, other in pairwise(tokens))
    assert all(sql[token.start : token.end].strip() for token in tokens)
