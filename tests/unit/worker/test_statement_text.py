import io

import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.statement_text import read_statement

LIMIT = 1000


def read(query: str, body: bytes) -> tuple[str, bytes | None, bytes]:
    source = io.BytesIO(body)
    text, data = read_statement(query, source, limit=LIMIT)
    return text, data, source.read()


def test_the_body_continues_the_parameter() -> None:
    assert read("SELECT 1 +", b"2") == ("SELECT 1 +\n2", None, b"")
    assert read("", b"SELECT 1") == ("SELECT 1", None, b"")
    assert read("INSERT INTO t FORMAT CSV", b"1\n") == ("INSERT INTO t FORMAT CSV", b"", b"1\n")
    assert read("INSERT INTO t", b"VALUES (1)") == ("INSERT INTO t\nVALUES", b" (1)", b"")
    assert read("INSERT INTO t FORMAT CSV\n1", b"2")[1:] == (b"1\n", b"2")


def test_data_do_not_count_as_statement() -> None:
    text, data, rest = read("", b"INSERT INTO t VALUES (" + b"1," * 5000 + b"1)")
    assert text == "INSERT INTO t VALUES"
    assert len(data or b"") + len(rest) == 10_004


@pytest.mark.parametrize("body", [b"", b" \n", b"SELECT '\xff'", b"S" * 2000])
def test_what_is_no_statement_is_refused(body: bytes) -> None:
    with pytest.raises(DatabaseError) as refused:
        read("", body)
    assert refused.value.number == 62
