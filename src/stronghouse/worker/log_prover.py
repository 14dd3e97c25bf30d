"""Telling the agent how the logs are, and proving that a statement and a refused sign-in are found in them."""

import re
import time
from dataclasses import dataclass, replace

from stronghouse.engine.engine import Engine
from stronghouse.engine.logs.journal import Journal
from stronghouse.engine.logs.keeper import LogKeeper
from stronghouse.engine.logs.records import QueryRecord
from stronghouse.worker.gate import Gate
from stronghouse.worker.reports import CANARY, LogReport, LogReports

_CANARY = re.compile(rf"{CANARY}[0-9a-f]{{8,64}}")
CHECKER = "sh:check"
"""Whom the statement is recorded for: a name that no database user can have."""
_DAYS = (
    "SELECT extract(engine_full, 'toIntervalDay\\((\\d+)\\)') FROM system.tables "
    "WHERE database = '_stronghouse' AND name = {log:String}"
)
_QUERY = "SELECT count() > 0 FROM system.query_log WHERE query_id = {word:String}"
_SESSION = "SELECT count() > 0 FROM system.session_log WHERE user = {word:String}"


@dataclass(frozen=True)
class LogProver:
    """Reports on the logs of one worker."""

    engine: Engine
    gate: Gate
    logs: LogKeeper
    journal: Journal

    def report(self, canary: str | None) -> LogReports:
        """The state of both logs; with a canary (see `reports.CANARY`) also whether it is found in them.

        Raises:
            ValueError: the canary is none.
            DatabaseError, OSError: the logs cannot be read, or records not be moved into them.
        """
        if canary is not None:
            if not _CANARY.fullmatch(canary):
                raise ValueError("not a canary")
            self._run(canary)
        self.logs.flush()
        facts, waiting = self.logs.facts(), self.journal.waiting_bytes
        reports = {
            name: LogReport(
                rows_total=found.rows,
                newest=found.newest,
                retention_days=self._kept(name),
                journal_bytes=waiting,
            )
            for name, found in facts.items()
        }
        queries, sessions = reports["query_log"], reports["session_log"]
        if canary is not None:
            queries = replace(queries, canary=self._finds(_QUERY, canary))
            sessions = replace(sessions, canary=self._finds(_SESSION, canary))
        return LogReports(query_log=queries, session_log=sessions)

    def _run(self, canary: str) -> None:
        """A statement with this text, recorded as those of users are."""
        statement = f"SELECT '{canary}'"
        now = int(time.time() * 1e6)
        with self.gate, self.engine.internal() as connection:
            connection.query(statement)
        record = QueryRecord(
            type="QueryFinish",
            event_time_microseconds=int(time.time() * 1e6),
            query_start_time_microseconds=now,
            query=statement,
            query_kind="Select",
            user=CHECKER,
            query_id=canary,
        )
        self.journal.append(record)

    def _kept(self, log: str) -> int:
        """For how many days the log's table keeps its rows, by its own definition; 0 if it does not say."""
        with self.gate, self.engine.internal() as connection:
            days = connection.value(_DAYS, parameters={"log": log})
        return int(days) if days.isdecimal() else 0

    def _finds(self, question: str, word: str) -> bool:
        with self.gate, self.engine.internal() as connection:
            return connection.value(question, parameters={"word": word}) == "1"
