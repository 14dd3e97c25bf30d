"""Reads cannot write, writes take turns, and a writer never waits for itself: the same on both back ends."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from stronghouse.storage.columns import Timestamp
from stronghouse.storage.database import Database
from stronghouse.storage.portable import upsert
from stronghouse.storage.streams import streamed
from tests.support.databases import POSTGRESQL, empty_database, postgres

own = MetaData()
row = Table("row", own, Column("id", Integer, primary_key=True), Column("at", Timestamp), Column("name", String(3)))


@pytest.fixture
def database(back_end: str, tmp_path: Path) -> Iterator[Database]:
    opened = empty_database(tmp_path / "x.db")
    with opened.write() as connection:
        own.create_all(connection)
    yield opened
    opened.close()


def test_commits_are_on_disk_before_they_are_acknowledged(back_end: str, database: Database, tmp_path: Path) -> None:
    if back_end == POSTGRESQL:
        server, name = postgres().server, postgres().given[tmp_path / "x.db"]
        server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        database.close()  # connections that were there keep what they had
        with database.write() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
        return
    with database.write() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_write_inside_a_write_is_an_error_and_not_a_deadlock(database: Database) -> None:
    with database.write(), pytest.raises(RuntimeError, match="inside another"), database.write():
        pass
    with database.write() as connection:
        connection.execute(insert(row).values(id=1))


@pytest.mark.parametrize("processes", [1, 2])
def test_writers_take_turns_and_each_sees_what_the_one_before_committed(
    database: Database, tmp_path: Path, processes: int
) -> None:
    others = [database, *(empty_database(tmp_path / "x.db") for _ in range(processes - 1))]

    def add(number: int) -> None:
        with others[number % processes].write() as connection:
            count = connection.execute(select(row.c.id)).all()
            time.sleep(0.01)
            connection.execute(insert(row).values(id=len(count) + 1))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert list(connection.execute(select(row.c.id).order_by(row.c.id)).scalars()) == list(range(1, 9))
    for other in others:
        other.close()


def test_a_reader_sees_one_snapshot_and_cannot_write(database: Database) -> None:
    with database.read() as reading:
        assert reading.execute(select(row.c.id)).all() == []
        with database.write() as writing:
            writing.execute(insert(row).values(id=1))
        assert reading.execute(select(row.c.id)).all() == []
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), database.read() as reading:
        reading.execute(insert(row).values(id=2))


def test_what_raises_leaves_nothing_and_the_next_write_goes_on(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.execute(insert(row).values(id=1))
        1 / 0  # noqa: B018
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(row), [{"id": 1}, {"id": 1}])
    with database.write() as connection:
        assert connection.execute(select(row.c.id)).all() == []


def test_a_broken_constraint_within_a_savepoint_does_not_end_the_transaction(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(row).values(id=1))
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(row).values(id=1))
        connection.execute(insert(row).values(id=2))
    with database.read() as connection:
        assert len(connection.execute(select(row.c.id)).all()) == 2


def test_times_keep_their_instant_and_need_a_zone(database: Database) -> None:
    moment = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=5)))
    with database.write() as connection:
        connection.execute(insert(row).values(id=1, at=moment))
        assert connection.execute(select(row.c.at)).scalar_one() == moment
        assert connection.execute(select(row.c.at)).scalar_one().tzinfo is UTC
        with pytest.raises(StatementError, match="needs a zone"):
            connection.execute(insert(row).values(id=2, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point


def test_texts_are_sorted_and_made_small_by_their_bytes_and_have_no_length(database: Database) -> None:
    names = ["b", "B", "a.c", "a_b", "ä", "Ä", "ab", "longer than three"]
    with database.write() as connection:
        connection.execute(insert(row), [{"id": number, "name": name} for number, name in enumerate(names)])
    with database.read() as connection:
        found = connection.execute(select(row.c.name).order_by(row.c.name)).scalars()
        assert list(found) == sorted(names)
        lower = "SELECT lower(name) FROM row WHERE name IN ('B', 'Ä') ORDER BY name"
        assert list(connection.execute(text(lower)).scalars()) == ["b", "Ä"]
        holding = select(row.c.name).where(row.c.name.icontains("A_", autoescape=True))
        assert list(connection.execute(holding).scalars()) == ["a_b"]


def test_upsert_inserts_or_changes_and_leaves_other_columns(database: Database) -> None:
    with database.write() as connection:
        upsert(connection, row, key=["id"], values={"id": 1, "name": "a"})
        upsert(connection, row, key=["id"], values={"id": 1, "at": datetime(2026, 1, 1, tzinfo=UTC)})
        upsert(connection, row, key=["id"], values={"id": 2})
        upsert(connection, row, key=["id"], values={"id": 2})
        found = connection.execute(select(row.c.id, row.c.name, row.c.at).order_by(row.c.id)).all()
    assert [tuple(one) for one in found] == [(1, "a", datetime(2026, 1, 1, tzinfo=UTC)), (2, None, None)]


def test_a_stream_that_nobody_reads_to_its_end_disturbs_no_later_transaction(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(row), [{"id": number} for number in range(100)])
    with database.read() as connection:
        rows = streamed(connection, select(row.c.id).order_by(row.c.id), batch=7)
        assert [next(rows)[0] for _ in range(10)] == list(range(10))
        assert len(list(streamed(connection, select(row.c.id), batch=7))) == 100
    with database.read() as connection:
        assert connection.execute(select(row.c.id).where(row.c.id == 5)).scalar_one() == 5
        del rows  # closes what there is to close, here in the middle of another transaction
        assert connection.execute(select(row.c.id).where(row.c.id == 6)).scalar_one() == 6
