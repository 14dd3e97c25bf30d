import asyncio
from typing import cast

import pytest

from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.options import SessionRequest
from stronghouse.worker.sessions import MAX_SESSIONS, Session, Sessions


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


async def test_one_request_at_a_time() -> None:
    sessions = Sessions()
    session = sessions.take(wanted())
    opened(session)
    with pytest.raises(DatabaseError) as refused:
        sessions.take(wanted())
    assert refused.value.number == 373
    sessions.give_back(session, timeout=60)
    assert sessions.take(wanted()) is session


async def test_a_session_ends_after_its_time_and_not_during_a_request() -> None:
    sessions = Sessions()
    session = sessions.take(wanted())
    connection = opened(session)
    sessions.give_back(session, timeout=0.01)
    sessions.take(wanted())
    await asyncio.sleep(0.03)
    assert bool(connection.closed) is False
    sessions.give_back(session, timeout=0.01)
    await asyncio.sleep(0.03)
    assert connection.closed is True
    assert len(sessions) == 0
    with pytest.raises(DatabaseError) as refused:
        sessions.take(wanted(must_exist=True))
    assert refused.value.number == 372


async def test_a_revoked_session_ends_with_its_request_and_its_name_begins_anew() -> None:
    sessions = Sessions()
    busy, idle = sessions.take(wanted("busy")), sessions.take(wanted("idle"))
    connections = opened(busy), opened(idle)
    sessions.give_back(idle, timeout=60)
    sessions.revoke()
    assert [connection.closed for connection in connections] == [False, True]
    again = sessions.take(wanted("busy"))
    assert again is not busy
    opened(again)
    sessions.give_back(busy, timeout=60)
    assert connections[0].closed
    assert len(sessions) == 1
    assert again.connection is not None


async def test_there_is_a_limit() -> None:
    sessions = Sessions()
    for number in range(MAX_SESSIONS):
        sessions.take(wanted(str(number)))
    with pytest.raises(DatabaseError) as refused:
        sessions.take(wanted("one more"))
    assert refused.value.number == 202
