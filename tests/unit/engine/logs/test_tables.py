import re

from stronghouse.engine.logs.columns import QUERY_LOG, SESSION_LOG
from stronghouse.engine.logs.tables import QUERIES, SESSIONS, Log


def recorded(log: Log) -> set[str]:
    """Fields of the record that some column is made of."""
    return {name for column in log.columns for name in re.findall(r"\br\.(\w+)", column.source)}


def test_every_field_of_a_query_record_reaches_a_column() -> None:
    assert recorded(QUERIES) == set(QUERIES.fields) - {"token"}


def test_every_field_of_a_session_record_reaches_a_column() -> None:
    assert recorded(SESSIONS) == set(SESSIONS.fields)


def test_columns_have_names_of_their_own() -> None:
    for columns in (QUERY_LOG, SESSION_LOG):
        assert len({column.name for column in columns}) == len(columns)


def test_a_column_is_kept_or_shown_but_not_both() -> None:
    assert not [column.name for column in (*QUERY_LOG, *SESSION_LOG) if column.source and column.shown]
