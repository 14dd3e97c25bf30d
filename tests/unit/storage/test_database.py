"""Reads cannot write, writes take turns, and a writer never waits for itself."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import StatementError

from stronghouse.storage.columns import Timestamp
from stronghouse.storage.database import Database

own = MetaData()
row = Table("row", own, Column("id", Integer, primary_key=True), Column("at", Timestamp))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    opened = Database(tmp_path / "x.db")
    with opened.write() as connection:
        own.create_all(connection)
    return opened


def test_commits_are_on_disk_before_they_are_acknowledged(database: Database) -> None:
    with database.write() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_write_inside_a_write_is_an_error_and_not_a_deadlock(database: Database) -> None:
    with database.write(), pytest.raises(RuntimeError, match="inside another"), database.write():
        pass
    with database.write() as connection:
        connection.execute(insert(row).values(id=1))


def test_writers_of_several_threads_take_turns(database: Database) -> None:
    def add(number: int) -> None:
        with database.write() as connection:
            count = connection.execute(select(row.c.id)).all()
            time.sleep(0.01)
            connection.execute(insert(row).values(id=len(count) + 1))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert list(connection.execute(select(row.c.id)).scalars()) == list(range(1, 9))


def test_a_reader_sees_one_snapshot(database: Database) -> None:
    with database.read() as reading:
        assert reading.execute(select(row.c.id)).all() == []
        with database.write() as writing:
            writing.execute(insert(row).values(id=1))
        assert reading.execute(select(row.c.id)).all() == []


def test_times_keep_their_instant_and_need_a_zone(database: Database) -> None:
    moment = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=5)))
    with database.write() as connection:
        connection.execute(insert(row).values(id=1, at=moment))
        assert connection.execute(select(row.c.at)).scalar_one() == moment
        assert connection.execute(select(row.c.at)).scalar_one().tzinfo is UTC
        with pytest.raises(StatementError, match="needs a zone"):
            connection.execute(insert(row).values(id=2, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point
