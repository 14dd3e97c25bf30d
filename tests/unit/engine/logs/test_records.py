import json
from dataclasses import fields

import pytest

from stronghouse.engine.logs.records import (
    MAX_EXCEPTION,
    MAX_QUERY,
    MAX_RECORD,
    QUERY_FIELDS,
    QUERY_MARK,
    SESSION_FIELDS,
    SESSION_MARK,
    QueryRecord,
    Record,
    SessionRecord,
    encode,
)


def query(**values: object) -> QueryRecord:
    given = {"type": "QueryFinish", "event_time_microseconds": 2, "query_start_time_microseconds": 1, **values}
    return QueryRecord(**given)  # type: ignore[arg-type]  # a test's own values


def session(**values: object) -> SessionRecord:
    given = {"type": "LoginSuccess", "event_time_microseconds": 2, "auth_id": "id", **values}
    return SessionRecord(**given)  # type: ignore[arg-type]  # a test's own values


def decoded(record: Record) -> dict[str, object]:
    names = QUERY_FIELDS if isinstance(record, QueryRecord) else SESSION_FIELDS
    return dict(zip(names, json.loads(encode(record)[1:]), strict=True))


@pytest.mark.parametrize(
    ("record", "mark"),
    [
        (
            query(query="SELECT 'é'", roles=("a", "b"), settings={"x": "1"}, is_secure=True, exception_code=47),
            QUERY_MARK,
        ),
        (session(user="bob", settings={"x": "1"}, roles=("a",), auth_type="SHA256_PASSWORD"), SESSION_MARK),
    ],
)
def test_a_record_is_its_kind_and_its_values_in_order(record: Record, mark: bytes) -> None:
    found = decoded(record)
    assert encode(record)[:1] == mark
    for each in fields(record):
        value = getattr(record, each.name)
        assert found[each.name] == (list(value) if isinstance(value, tuple) else value)


def test_a_record_is_one_line_whatever_its_texts_hold() -> None:
    record = query(query="a\nb\r\0\t'\"\\\u2028", user="x\ny")
    assert b"\n" not in encode(record)
    assert b"\0" not in encode(record)
    assert decoded(record)["query"] == record.query


def test_what_is_no_utf8_becomes_a_question_mark() -> None:
    assert decoded(query(query="a\udcffb"))["query"] == "a?b"


def test_long_texts_are_cut() -> None:
    found = decoded(query(query="x" * (4 << 20), exception="y" * (4 << 20)))
    assert found["query"] == "x" * MAX_QUERY
    assert found["exception"] == "y" * MAX_EXCEPTION


@pytest.mark.parametrize(
    "record",
    [
        query(query="\0" * MAX_QUERY, settings={"s": "\0" * MAX_RECORD}, http_user_agent="\0" * MAX_RECORD),
        query(roles=("r" * MAX_RECORD,) * 3, user="\0" * MAX_RECORD),
        session(profiles=("p" * 1000,) * 2000, failure_reason="\0" * MAX_RECORD, settings={"a": "b" * MAX_RECORD}),
    ],
)
def test_no_record_is_longer_than_the_journal_takes(record: Record) -> None:
    assert len(encode(record)) <= MAX_RECORD
    assert decoded(record)["event_time_microseconds"] == 2
