import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.insert_text import find_data, first_word


@pytest.mark.parametrize(
    ("text", "head", "data"),
    [
        (b"INSERT INTO t VALUES (1)", "INSERT INTO t VALUES", b" (1)"),
        (b"insert into t(a,b) values(1,2)", "insert into t(a,b) values", b"(1,2)"),
        (b"INSERT INTO t FORMAT CSV\n1,2\n", "INSERT INTO t FORMAT CSV", b"1,2\n"),
        (b"INSERT INTO t FORMAT CSV \t\r\n\n1", "INSERT INTO t FORMAT CSV", b"\n1"),
        (b"INSERT INTO t FORMAT TSV; \nx", "INSERT INTO t FORMAT TSV", b"x"),
        (b'INSERT INTO t FORMAT JSONEachRow {"a":1}', "INSERT INTO t FORMAT JSONEachRow", b'{"a":1}'),
        (b"/* x */ INSERT INTO `FORMAT`.values (format, `select`) FORMAT CSV\nVALUES", None, b"VALUES"),
        (b"INSERT INTO t SETTINGS async_insert = 0, a = 'FORMAT X' VALUES (1)", None, b" (1)"),
        (b"INSERT INTO {t:Identifier} (a) FORMAT CSV\n1", "INSERT INTO {t:Identifier} (a) FORMAT CSV", b"1"),
        (b"INSERT INTO TABLE db.t FORMAT RowBinary\n\x00\xff", None, b"\x00\xff"),
        (b"INSERT INTO t FORMAT CSV\n'unclosed", "INSERT INTO t FORMAT CSV", b"'unclosed"),
    ],
)
def test_data_begin_where_clickhouse_has_them_begin(text: bytes, head: str | None, data: bytes) -> None:
    found = find_data(text, complete=True)
    assert found is not None
    assert text[found.data :] == data
    if head is not None:
        assert found.text == head


@pytest.mark.parametrize(
    "text",
    [
        b"INSERT INTO t SELECT 'VALUES' FORMAT CSV",
        b"INSERT INTO t (a) WITH 1 AS x SELECT x",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t (a",
        b"INSERT INTO",
        b"",
    ],
)
def test_a_statement_without_data_of_its_own_has_none(text: bytes) -> None:
    assert find_data(text, complete=True) is None


def test_a_word_that_may_go_on_is_not_taken_for_the_last() -> None:
    assert find_data(b"INSERT INTO t FORMAT JSON", complete=False) is None
    assert find_data(b"INSERT INTO t VALUES", complete=False) is None
    assert find_data(b"INSERT INTO t FORMAT JSON", complete=True) is not None
    assert first_word(b"INS") is None
    assert first_word(b" -- c\n/* d */ insert ") == "INSERT"
    assert first_word(b"(SELECT 1)") == "("


@given(st.binary(max_size=200))
def test_data_are_never_cut_or_moved(data: bytes) -> None:
    head = b"INSERT INTO t FORMAT RowBinary\n"
    found = find_data(head + data, complete=True)
    assert found is not None
    assert (head + data)[found.data :] == data


def test_a_long_list_of_columns_takes_no_time_to_speak_of() -> None:
    columns = ", ".join(f"c{number}" for number in range(20_000))
    assert find_data(f"INSERT INTO t ({columns}) VALUES (1)".encode(), complete=True) is not None


@pytest.mark.parametrize("piece", [b"/**/", b"--\n", b" ", b"/**/ ", b"\n--/**/\n"])
def test_comments_before_nothing_that_is_a_word_take_no_time_to_speak_of(piece: bytes) -> None:
    began = time.process_time()
    assert first_word(piece * 20_000 + b"-") is None
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("piece", [b"/* ", b"/*'", b"'", b"''", b"`a``", b"--", b"1_", b"x.", b"("])
def test_what_is_never_closed_takes_no_time_to_speak_of(piece: bytes) -> None:
    began = time.process_time()
    find_data(b"INSERT INTO t " + piece * 20_000, complete=True)
    assert time.process_time() - began < 0.8
