"""Ending queries inside the engine, on a connection of its own that is opened anew with the engine."""

import threading

from stronghouse.engine.connection import Connection
from stronghouse.engine.engine import Engine
from stronghouse.engine.sql import text


class Killer:
    """Ends queries by the beginning of their text. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Connection | None = engine.internal()

    def kill(self, beginning: str) -> bool:
        """End the queries that begin so; returns at once, with the engine still at it. Raises DatabaseError.

        Says whether there were any.
        """
        with self._lock:
            if self._connection is None:
                return False
            return bool(self._connection.query(f"KILL QUERY WHERE startsWith(query, {text(beginning)}) ASYNC").data)

    def close(self) -> None:
        """Give the connection back; until `open` nothing is ended, for nothing runs."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def open(self) -> None:
        """Have a connection again."""
        with self._lock:
            if self._connection is None:
                self._connection = self._engine.internal()
