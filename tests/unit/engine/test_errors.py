import time
import traceback

import pytest

from stronghouse.engine.errors import CUT, MAX_MESSAGE, DatabaseError, parse_error


@pytest.mark.parametrize(
    ("text", "number", "name"),
    [
        ("Code: 47. DB::Exception: Unknown `x`. (UNKNOWN_IDENTIFIER)", 47, "UNKNOWN_IDENTIFIER"),
        ("Code: 76. DB::ErrnoException: Cannot open. (CANNOT_OPEN_FILE)", 76, "CANNOT_OPEN_FILE"),
        ("Code: 6. DB::Exception: (a) line\ntwo (b). (CANNOT_PARSE_TEXT)\n", 6, "CANNOT_PARSE_TEXT"),
        ("Code: 6. DB::Exception: (a) (A) b. (CANNOT_PARSE_TEXT) (version 26.1.2.3)", 6, "CANNOT_PARSE_TEXT"),
        ("Code: 6. DB::Exception: It is (A).", 6, "UNKNOWN_EXCEPTION"),
        ("Code: 6. DB::Exception: )", 6, "UNKNOWN_EXCEPTION"),
        ("Code: x. DB::Exception: a (A_B)", 1002, "UNKNOWN_EXCEPTION"),
        ("Code: 9999999999. DB::Exception: a (A_B)", 1002, "UNKNOWN_EXCEPTION"),
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


@pytest.mark.parametrize("unit", [" ", "(", "(A", "(version ", "Code: 1. "])
def test_what_a_statement_makes_the_engine_say_is_read_fast_and_cut(unit: str) -> None:
    begin = time.process_time()
    error = parse_error(f"Code: 395. DB::Exception: {unit * 50_000}x. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)")
    assert time.process_time() - begin < 0.1
    assert error.name == "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"
    assert len(error.public) == MAX_MESSAGE + len(CUT)
