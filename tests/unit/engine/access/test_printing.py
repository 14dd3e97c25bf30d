import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.access import notation
from stronghouse.engine.access.parsing import parse
from stronghouse.engine.access.printing import print_statement
from stronghouse.engine.access.statements import AccessStatement
from tests.unit.engine.access.random_statements import CHARACTERS, statements


@given(statement=statements)
def test_what_is_printed_reads_back_as_the_same_statement(statement: AccessStatement) -> None:
    assert parse(print_statement(statement)) == statement


def test_only_access_statements_are_printed() -> None:
    with pytest.raises(TypeError, match="str is no access statement"):
        print_statement("GRANT r TO a")  # type: ignore[arg-type]


@given(text=st.text(CHARACTERS))
def test_quoted_text_reads_back_as_the_same_text(text: str) -> None:
    assert notation.unescaped(notation.quoted_name(text)[1:-1]) == text
    assert notation.unescaped(notation.string(text)[1:-1]) == text


@pytest.mark.parametrize(
    ("text", "name", "setting"),
    [
        ("alice", "alice", "alice"),
        ("_1", "_1", "_1"),
        ("1a", "`1a`", "`1a`"),
        ("a b", "`a b`", "`a b`"),
        ("a$b", "`a$b`", "`a$b`"),
        ("ü", "`ü`", "`ü`"),
        ("a`b'c\\", "`a\\`b'c\\\\`", "`a\\`b'c\\\\`"),
        ("Select", "`Select`", "Select"),
        ("NULL", "`NULL`", "NULL"),
        ("TO", "TO", "TO"),
        ("a\n", "`a\\n`", "`a\\n`"),
    ],
)
def test_names_are_quoted_where_the_engine_quotes_them(text: str, name: str, setting: str) -> None:
    assert notation.name(text) == name
    assert notation.setting_name(text) == setting


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 second"),
        (90, "90 second"),
        (3600, "1 hour"),
        (5400, "90 minute"),
        (1_209_600, "2 week"),
        (2_592_000, "30 day"),
        (31_556_952, "1 year"),
        (7_889_238, "1 quarter"),
    ],
)
def test_intervals_are_in_the_longest_unit_that_fits(seconds: int, text: str) -> None:
    assert notation.interval(seconds) == text
