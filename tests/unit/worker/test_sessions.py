import time
from typing import cast

import pytest

from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.options import SessionRequest
from stronghouse.worker.sessions import MAX_SESSIONS_OF_USER, Session, Sessions
from tests.unit.worker.people import ALICE_ID, caller


class Closing:
    closed = False

    def close(self) -> None:
        self.closed = True


def wanted(name: str = "s", *, must_exist: bool = False) -> SessionRequest:
    return SessionRequest(name, 60.0, must_exist)


def opened(session: Session) -> Closing:
    connection = Closing()
    session.connection = cast("Connection", connection)
    return connection


def test_one_request_at_a_time() -> None:
    sessions = Sessions()
    session = sessions.take(wanted(), caller())
    opened(session)
    with pytest.raises(DatabaseError) as refused:
        sessions.take(wanted(), caller())
    assert refused.value.number == 373
    sessions.give_back(session, timeout=60)
    assert sessions.take(wanted(), caller()) is session


def test_a_session_ends_after_its_time_and_not_during_a_request() -> None:
    sessions = Sessions()
    session = sessions.take(wanted(), caller())
    connection = opened(session)
    sessions.give_back(session, timeout=0.01)
    assert sessions.take(wanted(), caller()) is session
    time.sleep(0.02)
    sessions.sweep()
    assert bool(connection.closed) is False
    sessions.give_back(session, timeout=0.01)
    time.sleep(0.02)
    with pytest.raises(DatabaseError) as refused:
        sessions.take(wanted(must_exist=True), caller())
    assert refused.value.number == 372
    assert connection.closed is True


def test_what_nobody_comes_back_to_is_swept_away() -> None:
    sessions = Sessions()
    session = sessions.take(wanted(), caller())
    connection = opened(session)
    sessions.give_back(session, timeout=0.01)
    time.sleep(0.02)
    sessions.sweep()
    assert connection.closed
    assert len(sessions) == 0


def test_a_forgotten_users_session_ends_with_its_request_and_its_name_begins_anew() -> None:
    sessions = Sessions()
    busy, idle = sessions.take(wanted("busy"), caller()), sessions.take(wanted("idle"), caller())
    connections = opened(busy), opened(idle)
    sessions.give_back(idle, timeout=60)
    sessions.forget(ALICE_ID)
    assert [connection.closed for connection in connections] == [False, True]
    again = sessions.take(wanted("busy"), caller())
    assert again is not busy
    opened(again)
    sessions.give_back(busy, timeout=60)
    assert connections[0].closed
    assert len(sessions) == 1
    assert again.connection is not None


def test_before_a_reopening_every_connection_is_closed_held_or_not() -> None:
    sessions = Sessions()
    busy = sessions.take(wanted("busy"), caller())
    connection = opened(busy)
    sessions.revoke()
    assert connection.closed
    assert busy.connection is None
    sessions.give_back(busy, timeout=60)
    assert len(sessions) == 0


def test_there_is_a_limit_for_each_user() -> None:
    sessions = Sessions()
    for number in range(MAX_SESSIONS_OF_USER):
        sessions.take(wanted(str(number)), caller())
    with pytest.raises(DatabaseError) as refused:
        sessions.take(wanted("one more"), caller())
    assert refused.value.number == 202
