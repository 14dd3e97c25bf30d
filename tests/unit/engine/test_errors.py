import traceback

import pytest

from stronghouse.engine.errors import DatabaseError, parse_error


@pytest.mark.parametrize(
    ("text", "number", "name"),
    [
        ("Code: 47. DB::Exception: Unknown `x`. (UNKNOWN_IDENTIFIER)", 47, "UNKNOWN_IDENTIFIER"),
        ("Code: 76. DB::ErrnoException: Cannot open. (CANNOT_OPEN_FILE)", 76, "CANNOT_OPEN_FILE"),
        ("Code: 6. DB::Exception: (a) line\ntwo (b). (CANNOT_PARSE_TEXT)\n", 6, "CANNOT_PARSE_TEXT"),
        ("something else", 1002, "UNKNOWN_EXCEPTION"),
    ],
)
def test_code_and_name_come_from_the_engines_text(text: str, number: int, name: str) -> None:
    error = parse_error(text)
    assert (error.number, error.name) == (number, name)
    assert error.wire("1.2").startswith(f"Code: {number}. DB::Exception: ")


def test_an_error_in_a_log_does_not_quote_the_statement() -> None:
    failure = DatabaseError(47, "UNKNOWN_IDENTIFIER", "Unknown identifier `secret-in-sql`")
    assert "secret-in-sql" not in "".join(traceback.format_exception(failure))
