"""The engine's `system` database as clients find it: our tables of access and logs, and none that tells of the machine.

The engine makes it anew whenever it opens, so this is done each time, before anybody is let in.
"""

import itertools
import threading

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.access.system_tables import (
    COUNTS,
    OWN_ROWS,
    VISIBLE_WITH,
    refresh_statements,
    statements,
    usage_statements,
)
from stronghouse.engine.boundary.classification import Table, Verdict, classified
from stronghouse.engine.connection import Connection
from stronghouse.engine.engine import Engine
from stronghouse.engine.logs.keeper import LogKeeper
from stronghouse.engine.quotas import QuotaKeeper
from stronghouse.engine.sql import identifier

_TABLES = "SELECT name FROM system.tables WHERE database = 'system'"


class SystemDatabase:
    """Prepares it, and keeps what it tells of access up to date. Safe to use from several threads."""

    def __init__(self, engine: Engine, logs: LogKeeper, quotas: QuotaKeeper) -> None:
        self._engine, self._logs, self._quotas = engine, logs, quotas
        self._lock = threading.Lock()
        self._versions = itertools.count(2)

    def prepare(self, catalogue: Catalogue) -> None:
        """Make of a newly opened engine's database ours. Nobody else may be at work in the engine."""
        with self._lock, self._engine.internal() as connection:
            self._versions = itertools.count(2)
            for statement in statements(catalogue, self._quotas.usage(catalogue)):
                connection.query(statement)
            _detach_others(connection)
        self._logs.resume(self._engine.internal)

    def refresh(self, catalogue: Catalogue) -> None:
        """Bring the tables of access up to date with a catalogue that the engine need not be opened again for."""
        with self._lock, self._engine.internal() as connection:
            for statement in refresh_statements(catalogue):
                connection.query(statement)

    def refresh_usage(self, catalogue: Catalogue) -> None:
        """Bring what is told of the usage of quotas up to date."""
        with self._lock, self._engine.internal() as connection:
            usage = self._quotas.usage(catalogue)
            for statement in usage_statements(catalogue, usage, version=next(self._versions)):
                connection.query(statement)

    def flush_logs(self) -> None:
        """Move what is known of queries and sign-ins into the log tables; returns when it is there."""
        self._logs.flush()


def _detach_others(connection: Connection) -> None:
    """Take away what is not known to be harmless: an allow-list that no statement can get around."""
    ours = {*VISIBLE_WITH, *OWN_ROWS, COUNTS, "query_log", "session_log"}
    known = classified(Table.SYSTEM_TABLES).values()
    allowed = ours | {entry.name for entry in known if entry.verdict is not Verdict.REFUSE}
    for name in connection.value(_TABLES).split("\n"):
        if name not in allowed:
            connection.query(f"DETACH TABLE system.{identifier(name)}")
