"""Sessions: a connection that outlives a request, with its temporary tables and settings. One request at a time."""

import asyncio
from dataclasses import dataclass, field

from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.options import SessionRequest

MAX_SESSIONS = 256


@dataclass
class Session:
    """A session. `baseline` remembers what the settings of single requests are put back to."""

    id: str
    connection: Connection | None = None
    baseline: dict[str, str | None] = field(default_factory=dict)
    busy: bool = True
    revoked: bool = False
    expiry: asyncio.TimerHandle | None = None


class Sessions:
    """The open sessions. Used from the event loop only; a session's connection is used by its request's thread."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, wanted: SessionRequest) -> Session:
        """The session for a request, which holds it until `give_back`.

        Raises:
            DatabaseError: 373 while another request holds it, 372 when it must exist and does not, 202 when there are
                too many.
        """
        session = self._sessions.get(wanted.id)
        if session is None:
            if wanted.must_exist:
                raise DatabaseError(372, "SESSION_NOT_FOUND", "Session not found")
            if len(self._sessions) >= MAX_SESSIONS:
                raise DatabaseError(202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"There are {MAX_SESSIONS} sessions already")
            session = self._sessions[wanted.id] = Session(wanted.id)
            return session
        if session.busy:
            raise DatabaseError(373, "SESSION_IS_LOCKED", "Session is locked by a concurrent client")
        if session.expiry is not None:
            session.expiry.cancel()
        session.busy = True
        return session

    def give_back(self, session: Session, *, timeout: float) -> None:
        """End a request's hold; the session ends `timeout` seconds later unless another request comes."""
        session.busy = False
        if session.revoked or session.connection is None:
            self._end(session)
        else:
            session.expiry = asyncio.get_running_loop().call_later(timeout, self._end, session)

    def revoke(self) -> None:
        """End every session, those that a request holds when it is done."""
        for session in list(self._sessions.values()):
            session.revoked = True
            if not session.busy:
                self._end(session)
            else:
                self._sessions.pop(session.id, None)

    def _end(self, session: Session) -> None:
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
        if session.expiry is not None:
            session.expiry.cancel()
        if session.connection is not None:
            session.connection.close()
            session.connection = None
