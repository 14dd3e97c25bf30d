"""A process with an engine of its own, whose queries are recorded: one act, and what came of it as JSON."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stronghouse.engine.access.catalogue import OWNER, Catalogue, Grant, User
from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.journal import Journal, Segment
from stronghouse.engine.logs.keeper import LogKeeper
from stronghouse.engine.logs.patterns import Patterns
from stronghouse.engine.logs.records import QueryRecord, SessionRecord
from stronghouse.engine.room import Room
from stronghouse.kernel.errors import Invalid

OWNER_ID = "0" * 16
CATALOGUE = Catalogue(users={OWNER_ID: User(OWNER_ID, OWNER, grants=(Grant("ALL", grant_option=True),))})
KEY = bytes(range(32))
LATER = 3600.0
PREFIX = '/*sh:00000000000000aa {token} {{"q":"id-{token}","u":"alice","a":"10.0.0.7"}}*/ '


class DeadlyJournal(Journal):
    """Kills the process when a segment is in its table, before it is deleted."""

    def remove(self, segment: Segment, *, damaged: bool = False) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class ShortRoom(Room):
    """Cuts what was inserted last short, as a disk does that fills up and has room again before anybody looks."""

    engine: Engine

    def check_left(self) -> None:
        cut_newest_part(self.engine)


def cut_newest_part(engine: Engine) -> None:
    newest = (
        "SELECT path FROM system.parts WHERE table = 'query_log' AND active ORDER BY modification_time DESC, name DESC"
    )
    part = Path(engine.first.value(f"{newest} LIMIT 1"))
    for name in ("columns.txt", "checksums.txt"):
        (part / name).write_bytes(b"")


@dataclass
class Logged:
    engine: Engine
    journal: Journal
    keeper: LogKeeper

    def rows(self, sql: str) -> list[dict[str, object]]:
        answer = self.engine.first.query(sql, output_format="JSONEachRow").data
        return [json.loads(line) for line in answer.splitlines()]

    def value(self, sql: str) -> str:
        return self.engine.first.value(sql)

    def run(self, sql: str, token: str) -> None:
        """Run and record a statement as the worker does."""
        error, counters, began = None, None, time.time_ns() // 1000
        try:
            with self.engine.internal() as connection:
                counters = connection.query(PREFIX.format(token=token) + sql).counters
        except DatabaseError as caught:
            error = caught
        self.journal.append(
            QueryRecord(
                type="ExceptionBeforeStart" if error else "QueryFinish",
                event_time_microseconds=time.time_ns() // 1000,
                query_start_time_microseconds=began,
                read_rows=counters.read_rows if counters else 0,
                query=sql,
                exception_code=error.number if error else 0,
                exception=error.public if error else "",
                user="alice",
                query_id=f"id-{token}",
                address="10.0.0.7",
                port=50_123,
                is_secure=True,
                http_method="POST",
                roles=("reader",),
                settings={"max_threads": "2"},
                token=token,
            )
        )

    def append(self, count: int, *, first: int = 0) -> None:
        for number in range(first, first + count):
            self.journal.append(record(query=f"SELECT {number}", query_id=str(number)))


def record(**values: object) -> QueryRecord:
    now = time.time_ns() // 1000
    given = {"type": "QueryFinish", "event_time_microseconds": now, "query_start_time_microseconds": now, **values}
    return QueryRecord(**given)  # type: ignore[arg-type]  # a test's own values


@contextmanager
def logged(
    directory: Path, *, days: int = 30, kind: type[Journal] = Journal, interval: float = LATER
) -> Iterator[Logged]:
    engine = Engine.open(directory, data_key=KEY, memory_limit_bytes=1 << 30, users=users_tree(CATALOGUE))
    journal = kind(directory / "journal", KEY, "service")
    keeper = LogKeeper(journal, retention_days=days, interval=interval)
    keeper.resume(engine.internal)
    yield Logged(engine, journal, keeper)
    keeper.close()
    journal.close()
    engine.close()


def recorded(directory: Path) -> dict[str, object]:
    """Everything that is recorded of some statements and sign-ins."""
    with logged(directory) as service:
        service.run("CREATE TABLE t (a UInt64, b String) ORDER BY a", "t1")
        service.run("SELECT upper(b) FROM t WHERE a = 1", "t2")
        service.run("SELECT missing FROM t", "t3")
        service.run("SELECT query, user, query_id, address FROM _stronghouse.processes", "t4")
        service.journal.append(record(query="GRANT x TO y", query_kind="Grant"))
        service.journal.append(record(query="a\n\0\udcff'\\" + "x" * (4 << 20), exception="\0\n", address="nonsense"))
        service.journal.append(
            SessionRecord(
                type="LoginFailure",
                event_time_microseconds=1_795_697_600_123_456,
                auth_id="6f1c3a60-1111-2222-3333-444455556666",
                user="bob",
                client_address="2001:db8::1",
                client_port=7,
                failure_reason="wrong password",
                settings={"a": "b"},
                tls_version="TLSv1.3",
                tls_cipher="TLS_AES_128_GCM_SHA256",
            )
        )
        with service.engine.internal() as connection:
            answer = connection.query(
                PREFIX.format(token="own") + "SELECT query, user, query_id, address FROM _stronghouse.processes",
                output_format="JSONEachRow",
            )
        before = service.keeper.facts()
        service.keeper.flush()
        names = "SELECT name, type FROM system.columns WHERE database = 'system' AND table = '{}' AND default_kind = ''"
        return {
            "queries": service.rows("SELECT * FROM system.query_log ORDER BY event_time_microseconds"),
            "sessions": service.rows("SELECT * FROM system.session_log"),
            "longest": service.value("SELECT max(length(query)) FROM system.query_log"),
            "hashes": service.value(
                "SELECT countIf(normalized_query_hash != normalizedQueryHash(query)) FROM system.query_log"
            ),
            "columns": service.rows(names.format("query_log")),
            "engine_columns": service.rows(names.format("engine_query_log")),
            "processes": json.loads(answer.data),
            "before": before["query_log"].rows,
            "facts": [[each.rows, each.newest] for each in service.keeper.facts().values()],
            "waiting": service.journal.waiting_bytes,
            "users_own": service.value("SELECT count() FROM system.tables WHERE name = 'user_query_log'"),
        }


def killed_while_moving(directory: Path) -> None:
    with logged(directory, kind=DeadlyJournal) as service:
        service.append(10)
        service.keeper.flush()


def killed_before_moving(directory: Path) -> None:
    with logged(directory) as service:
        service.append(7)
        os.kill(os.getpid(), signal.SIGKILL)


def counted(directory: Path) -> dict[str, object]:
    with logged(directory) as service:
        service.keeper.flush()
        service.keeper.flush()
        return {
            "rows": service.value("SELECT count() FROM system.query_log"),
            "different": service.value("SELECT uniqExact(query_id) FROM system.query_log"),
            "files": [path.name for path in (directory / "journal").iterdir()],
        }


def refused_at_last(directory: Path) -> dict[str, object]:
    """Rows that the table refuses when they are about to be written, and takes later."""
    with logged(directory) as service:
        service.append(10)
        service.engine.first.query("ALTER TABLE _stronghouse.query_log ADD CONSTRAINT never CHECK 0")
        code = flush(service)
        waiting = service.journal.waiting_bytes > 0
        service.engine.first.query("ALTER TABLE _stronghouse.query_log DROP CONSTRAINT never")
        return {"code": code, "waiting": waiting}


def inserted_in_part(directory: Path) -> dict[str, object]:
    """The disk is full for an instant while rows are inserted."""
    with logged(directory) as service:
        service.append(4)
        service.keeper.flush()
        service.append(6, first=4)
        room, service.journal.room = service.journal.room, ShortRoom(directory, service.engine)
        code = flush(service)
        service.journal.room = room
        return {"code": code, "waiting": service.journal.waiting_bytes > 0}


def merged_in_part(directory: Path) -> dict[str, object]:
    """The disk is full for an instant while parts are merged."""
    with logged(directory) as service:
        for first in (0, 4, 8):
            service.append(4, first=first)
            service.keeper.flush()
        service.engine.first.query("OPTIMIZE TABLE _stronghouse.query_log FINAL")
        cut_newest_part(service.engine)
        code = flush(service)
        active = service.value("SELECT count() FROM system.parts WHERE table = 'query_log' AND active")
        return {"code": code, "parts": active, "rows": service.value("SELECT count() FROM system.query_log")}


def flush(service: Logged) -> int:
    """The code of the error, 0 for none."""
    try:
        service.keeper.flush()
    except DatabaseError as error:
        return error.number
    return 0


def damaged(directory: Path) -> dict[str, object]:
    """A segment that was changed from outside, and a record that no table takes, among good ones."""
    with logged(directory) as service:
        service.append(5)
        service.journal.rotate()
        (segment,) = service.journal.segments()
        content = segment.path.read_bytes()
        segment.path.write_bytes(content[:-100] + b"\xff" + content[-99:])
        service.keeper.flush()
        after_change = service.value("SELECT count() FROM system.query_log")
        service.journal.append(record(query="good"))
        service.journal.append(record(query="bad", port=-1, read_rows="no number"))
        service.journal.append(record(query="good too"))
        service.keeper.flush()
        return {
            "after_change": after_change,
            "queries": service.rows("SELECT query FROM system.query_log WHERE query LIKE '%o%' ORDER BY 1"),
            "damaged": service.journal.damaged_segments(),
            "waiting": service.journal.waiting_bytes,
        }


def reopened(directory: Path) -> dict[str, object]:
    """Records that come while the engine is closed, a shorter retention, and a column that an older version lacked."""
    with logged(directory, interval=0.05) as service:
        service.append(3)
        deadline = time.monotonic() + 20
        while service.journal.waiting_bytes and time.monotonic() < deadline:
            time.sleep(0.02)
        moved = service.value("SELECT count() FROM system.query_log")
        service.keeper.suspend()
        service.append(4)
        try:
            service.keeper.flush()
            refused = 0
        except DatabaseError as error:
            refused = error.number
        service.engine.first.query("ALTER TABLE _stronghouse.query_log DROP COLUMN quota_key")
        service.engine.reopen(data_key=KEY, users=users_tree(CATALOGUE))
        service.keeper.resume(service.engine.internal)
        service.keeper.flush()
        found = service.value("SELECT count() FROM system.query_log WHERE quota_key = ''")
    with logged(directory, days=7) as service:
        definition = service.value(
            "SELECT create_table_query FROM system.tables WHERE name = 'query_log' AND database = '_stronghouse'"
        )
        service.keeper.resume(service.engine.internal)
        return {"moved": moved, "refused": refused, "found": found, "definition": definition}


def expired(directory: Path) -> dict[str, object]:
    with logged(directory) as service:
        old = time.time_ns() // 1000 - 40 * 86_400 * 1_000_000
        service.journal.append(record(query="old", event_time_microseconds=old))
        service.journal.append(record(query="new"))
        service.keeper.flush()
        service.engine.first.query("OPTIMIZE TABLE _stronghouse.query_log FINAL")
        return {"queries": service.rows("SELECT query FROM system.query_log")}


def patterns(directory: Path) -> dict[str, object]:
    with logged(directory) as service:
        rules = Patterns([r"\b\d{4}-\d{4}\b", "(a+)+b"])
        closed = rules.apply("x")
        rules.resume(service.engine.internal)
        began = time.monotonic()
        long = rules.apply("a" * 100_000)
        taken = time.monotonic() - began
        found = [rules.apply(text) for text in ("card 1234-5678\n\0\\ é aab", "\udcff", "")]
        rules.suspend()
        invalid = []
        for expression in ("(a", "(?=a)", "a*"):
            try:
                Patterns([expression]).resume(service.engine.internal)
            except Invalid as error:
                invalid.append(error.public)
        return {
            "closed": closed,
            "unchanged": long == "a" * 100_000,
            "taken": taken,
            "found": found,
            "invalid": invalid,
        }


ACTS: dict[str, Callable[[Path], object]] = {
    act.__name__: act
    for act in (
        *(recorded, killed_while_moving, killed_before_moving, counted, refused_at_last, inserted_in_part),
        *(merged_in_part, damaged, reopened, expired, patterns),
    )
}


def main() -> None:
    directory, act = sys.argv[1:]
    json.dump(ACTS[act](Path(directory)), sys.stdout)


if __name__ == "__main__":
    main()
