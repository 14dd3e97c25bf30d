"""Sessions: a connection that outlives a request, with its temporary tables and settings. One request at a time."""

import threading
import time
from dataclasses import dataclass, field

from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.caller import Caller
from stronghouse.worker.options import SessionRequest

MAX_SESSIONS = 256
MAX_SESSIONS_OF_USER = 64
"""So that one user cannot take them all."""
Key = tuple[str, str]


@dataclass(eq=False)
class Session:
    """A session of one user.

    Attributes:
        caller: with the roles that SET ROLE chose.
        roles: the engine's roles that its connection has.
        timeout: for how many seconds it outlives the request that holds it.
        baseline: what the settings of single requests are put back to.
    """

    key: Key
    caller: Caller
    connection: Connection | None = None
    roles: tuple[str, ...] = ()
    baseline: dict[str, str | None] = field(default_factory=dict)
    timeout: float = 0.0
    busy: bool = True
    revoked: bool = False
    expires: float = 0.0


class Sessions:
    """The open sessions, by user and id. Safe to use from several threads; a session belongs to its request's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[Key, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, wanted: SessionRequest, caller: Caller) -> Session:
        """The session for a request, which holds it until `give_back`.

        Raises:
            DatabaseError: 373 while another request holds it, 372 when it must exist and does not, 202 when there are
                too many.
        """
        key = (caller.user.id, wanted.id)
        with self._lock:
            session = self._sessions.get(key)
            if session is not None and not session.busy and session.expires <= time.monotonic():
                del self._sessions[key]
                _end(session)
                session = None
            timeout = 0.0 if wanted.closes else wanted.timeout
            if session is None:
                if wanted.must_exist:
                    raise DatabaseError(372, "SESSION_NOT_FOUND", "Session not found")
                self._check_room(caller.user.id)
                session = self._sessions[key] = Session(key, caller, timeout=timeout)
                return session
            if session.busy:
                raise DatabaseError(373, "SESSION_IS_LOCKED", "Session is locked by a concurrent client")
            session.busy, session.timeout = True, timeout
            return session

    def give_back(self, session: Session, *, timeout: float) -> None:
        """End a request's hold; the session ends `timeout` seconds later unless another request comes."""
        with self._lock:
            session.busy = False
            session.expires = time.monotonic() + timeout
            over = session.revoked or timeout <= 0
            if over and self._sessions.get(session.key) is session:
                del self._sessions[session.key]
        if over:
            _end(session)

    def sweep(self) -> None:
        """End what nobody came back to in time."""
        now = time.monotonic()
        with self._lock:
            over = [session for session in self._sessions.values() if not session.busy and session.expires <= now]
            for session in over:
                del self._sessions[session.key]
        for session in over:
            _end(session)

    def revoke(self) -> None:
        """End every session and close its connection. Nobody may be using one: call it with the gate empty.

        A request that holds a session meanwhile, waiting at the gate, goes on with a new connection.
        """
        with self._lock:
            found, self._sessions = list(self._sessions.values()), {}
        for session in found:
            session.revoked = True
            _end(session)

    def forget(self, user: str) -> None:
        """End the sessions of a user (an id), those that a request holds when it is done."""
        with self._lock:
            found = [session for session in self._sessions.values() if session.key[0] == user]
            for session in found:
                session.revoked = True
                del self._sessions[session.key]
            idle = [session for session in found if not session.busy]
        for session in idle:
            _end(session)

    def _check_room(self, user: str) -> None:
        own = sum(1 for key in self._sessions if key[0] == user)
        if len(self._sessions) >= MAX_SESSIONS or own >= MAX_SESSIONS_OF_USER:
            raise DatabaseError(
                202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"There are {max(own, len(self._sessions))} sessions already"
            )


def _end(session: Session) -> None:
    connection, session.connection = session.connection, None
    if connection is not None:
        connection.close()
