"""Definitions and rights that keep changing, and what three witnesses say of them: SHOW, the tables, and the engine."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.worker.service import Service

READER = "reader"
COUNT = 3
DENIED, UNKNOWN_TABLE, LOCKED_OUT = 497, 60, 516
ON = {
    "table": "CREATE TABLE IF NOT EXISTS made{n} (n UInt64) ENGINE = MergeTree ORDER BY n",
    "user": "CREATE USER IF NOT EXISTS user{n} IDENTIFIED BY 'user{n} password'",
    "grant": "GRANT SELECT ON granted{n} TO reader",
    "policy": "CREATE ROW POLICY IF NOT EXISTS policy{n} ON guarded USING n = {n} TO reader",
}
OFF = {
    "table": "DROP TABLE IF EXISTS made{n} SYNC",
    "user": "DROP USER IF EXISTS user{n}",
    "grant": "REVOKE SELECT ON granted{n} FROM reader",
    "policy": "DROP ROW POLICY IF EXISTS policy{n} ON guarded",
}
Fact = tuple[str, int]


@dataclass
class Known:
    """What must be so.

    Attributes:
        facts: what was acknowledged last; None where the answer never came.
        turn: held by whoever changes something or looks.
        query_ids: of what was acknowledged.
    """

    facts: dict[Fact, bool | None] = field(default_factory=lambda: {(k, n): False for k in ON for n in range(COUNT)})
    turn: threading.Lock = field(default_factory=threading.Lock)
    query_ids: list[str] = field(default_factory=list)
    unknown: int = 0
    wrong: list[str] = field(default_factory=list)


def prepare(service: Service) -> None:
    """What the changes are about."""
    for number in range(COUNT):
        service.run(f"CREATE TABLE granted{number} (n UInt64) ENGINE = MergeTree ORDER BY n")
    service.run(f"CREATE TABLE guarded ENGINE = MergeTree ORDER BY n AS SELECT number AS n FROM numbers({COUNT})")
    service.run(f"CREATE USER {READER} IDENTIFIED BY '{READER} password'")
    service.run(f"GRANT SELECT ON guarded TO {READER}")


@contextmanager
def changing(service: Service) -> Iterator[Known]:
    """Two who change things until the block ends: one tables, one rights."""
    known, stop = Known(), threading.Event()
    tables = [fact for fact in known.facts if fact[0] == "table"]
    rights = [fact for fact in known.facts if fact[0] != "table"]
    threads = [threading.Thread(target=_change, args=(service, known, facts, stop)) for facts in (tables, rights)]
    for thread in threads:
        thread.start()
    try:
        yield known
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def _change(service: Service, known: Known, facts: list[Fact], stop: threading.Event) -> None:
    chance = random.Random(len(facts))
    number = 0
    while not stop.wait(0.02):
        number += 1
        with known.turn:
            _change_one(service, known, chance.choice(facts), f"change-{len(facts)}-{number}")


def _change_one(service: Service, known: Known, fact: Fact, query_id: str) -> None:
    kind, number = fact
    before, wanted = known.facts[fact], not known.facts[fact]
    known.facts[fact] = None
    try:
        answer = service.ask((ON if wanted else OFF)[kind].format(n=number), query_id=query_id)
    except OSError:
        known.unknown += 1
        return
    if answer.status == 200:
        known.facts[fact] = wanted
        known.query_ids.append(query_id)
    else:
        known.facts[fact] = before
        known.wrong.append(answer.text)


def check_rights(service: Service, known: Known) -> None:
    """All witnesses agree with each other, and with what was acknowledged; nobody changes anything meanwhile."""
    for fact, expected in known.facts.items():
        kind, number = fact
        seen = {name: witness(service, number) for name, witness in WITNESSES[kind].items()}
        assert len(set(seen.values())) == 1, (fact, seen)
        if expected is not None:
            assert set(seen.values()) == {expected}, (fact, seen)


def _as(service: Service, user: str, sql: str) -> int:
    return service.ask(sql, user=user, password=f"{user} password").code


def _guarded(service: Service, number: int) -> bool:
    """Whether the reader sees the row, or all rows for want of a policy."""
    sql = "SELECT n FROM guarded ORDER BY n"
    rows = service.ask(sql, user=READER, password=f"{READER} password").text.split()
    no_policy = service.run("SELECT count() FROM system.row_policies") == "0\n"
    assert not no_policy or rows == [str(n) for n in range(COUNT)]
    return not no_policy and str(number) in rows


Witness = Callable[[Service, int], bool]
WITNESSES: dict[str, dict[str, Witness]] = {
    "table": {
        "table": lambda service, n: f"made{n}" in service.run("SHOW TABLES").split(),
        "engine": lambda service, n: service.ask(f"SELECT count() FROM made{n}").code != UNKNOWN_TABLE,
    },
    "user": {
        "show": lambda service, n: f"user{n}" in service.run("SHOW USERS").split(),
        "table": lambda service, n: f"user{n}" in service.run("SELECT name FROM system.users").split(),
        "sign-in": lambda service, n: _as(service, f"user{n}", "SELECT 1") != LOCKED_OUT,
    },
    "grant": {
        "show": lambda service, n: f"ON default.granted{n} " in service.run(f"SHOW GRANTS FOR {READER}"),
        "table": lambda service, n: (
            f"granted{n}" in service.run(f"SELECT table FROM system.grants WHERE user_name = '{READER}'").split()
        ),
        "engine": lambda service, n: _as(service, READER, f"SELECT count() FROM granted{n}") != DENIED,
    },
    "policy": {
        "show": lambda service, n: f"policy{n} " in service.run("SHOW ROW POLICIES").replace("\n", " "),
        "table": lambda service, n: f"policy{n}" in service.run("SELECT short_name FROM system.row_policies").split(),
        "engine": _guarded,
    },
}
