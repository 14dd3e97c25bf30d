"""Pages and exports hold just what a plain look at every entry would find, in the log's order, without sorting."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from stronghouse.audit import query as queries
from stronghouse.audit import search, store
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context, Outcome
from stronghouse.audit.query import AuditQuery, choices, export, page
from stronghouse.audit.search import holds_text
from stronghouse.audit.store import Entry
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.audit.verification import verify_log
from stronghouse.kernel.clock import FixedClock
from stronghouse.storage.database import Database
from tests.support.databases import POSTGRESQL, SQLITE, copy_of, new_database
from tests.support.many_events import CODES, Cast, fill
from tests.unit.audit.conftest import DoorOpened

ORGANIZATION, OTHER = "0b7e7b7e-0000-4000-8000-000000000001", "0b7e7b7e-0000-4000-8000-000000000002"
END = datetime(2026, 11, 23, tzinfo=UTC)
HALF_MINUTE = timedelta(seconds=30)
COUNT = 400
EXPLAIN = {SQLITE: "EXPLAIN QUERY PLAN", POSTGRESQL: "EXPLAIN"}
COSTLY = {SQLITE: ["SCAN audit_entry", "USE TEMP B-TREE"], POSTGRESQL: ["Seq Scan on audit_entry", "Sort  "]}


@pytest.fixture(scope="module")
def filled(back_end: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Cast]]:
    """Two organizations and a clock that was set back twice: once by a minute, and before the second by a day."""
    database = new_database(tmp_path_factory.mktemp("many") / "log.db")
    few = {"actors": 5, "services": 6, "addresses": 4}
    cast = fill(database, ORGANIZATION, COUNT // 2, until=END, **few)
    fill(database, ORGANIZATION, COUNT // 2, until=END + HALF_MINUTE * (COUNT // 2 - 2), **few)
    fill(database, OTHER, 50, until=END - timedelta(days=1), seed=5)
    yield database, cast
    database.close()


@pytest.fixture
def database(filled: tuple[Database, Cast]) -> Database:
    return filled[0]


@pytest.fixture
def cast(filled: tuple[Database, Cast]) -> Cast:
    return filled[1]


def everything(database: Database) -> list[Entry]:
    with database.read() as connection:
        return list(store.entries(connection))


def matches(entry: Entry, query: AuditQuery) -> bool:
    """The meaning of a query, said another way."""
    code = (query.code or "").removesuffix(".")
    whole = query.code is None or entry.code == query.code or entry.code.startswith(f"{code}.")
    return (
        whole
        and entry.organization_id == query.organization_id
        and query.service_id in {None, entry.service_id}
        and query.actor in {None, entry.actor_id}
        and query.outcome in {None, entry.outcome}
        and query.address in {None, entry.address}
        and (query.text is None or holds_text(entry.event(), query.text))
        and (query.since is None or entry.created_at >= query.since)
        and (query.until is None or entry.created_at < query.until)
    )


def some_queries(cast: Cast) -> Iterator[AuditQuery]:
    chance = random.Random(7)
    options: dict[str, list[Any]] = {
        "code": [None, "service", "service.", "check.run", "user.sign_in", "serv", "nothing", "service.awake"],
        "service_id": [None, None, None, *cast.services[:2], "none"],
        "actor": [None, None, *(actor[1] for actor in cast.actors[:3])],
        "outcome": [None, None, *Outcome],
        "address": [None, None, None, cast.addresses[0]],
        "text": [None, None, None, "ANALYTICS-1", "analytics-7", "version", "zzz", "%", "_"],
        "since": [None, None, END - HALF_MINUTE * 150, END - HALF_MINUTE],
        "until": [None, None, END - HALF_MINUTE, END + HALF_MINUTE * 100, END - timedelta(days=2)],
    }
    for name, values in options.items():
        for value in values:
            yield replace(AuditQuery(organization_id=ORGANIZATION), **{name: value})
    for _ in range(100):
        chosen = {name: chance.choice(values) for name, values in options.items()}
        yield AuditQuery(organization_id=ORGANIZATION, **chosen)


def test_export_holds_every_match_in_the_order_of_commits(database: Database, cast: Cast) -> None:
    entries = everything(database)
    for query in some_queries(cast):
        with database.read() as connection:
            found = [entry.index for entry in export(connection, query)]
        assert found == [entry.index for entry in entries if matches(entry, query)], query


def test_pages_lead_through_every_match_in_both_directions(database: Database, cast: Cast) -> None:
    entries = everything(database)
    for query in itertools.islice(some_queries(cast), 0, None, 8):
        expected = [entry.index for entry in reversed(entries) if matches(entry, query)]
        assert walked(database, query, limit=40) == expected, query
        assert walked(database, query, limit=40, up=True) == expected, query


def walked(database: Database, query: AuditQuery, *, limit: int, up: bool = False) -> list[int]:
    """Indexes of all pages, newest first, by going on as pages say; up from the oldest if asked."""
    found: list[int] = []
    at: int | None = -1 if up else None
    while True:
        with database.read() as connection:
            shown = page(connection, query, limit=limit, **({"after": at} if up else {"before": at}))
        indexes = [entry.index for entry in shown.entries]
        found = indexes + found if up else found + indexes
        at = shown.newer if up else shown.older
        if at is None:
            return found
        assert len(indexes) == limit or shown.searched_until == at


def test_page_knows_whether_there_is_one_on_its_other_side(database: Database) -> None:
    query = AuditQuery(organization_id=ORGANIZATION, code="service")
    with database.read() as connection:
        first = page(connection, query, limit=5)
        assert first.newer is None
        second = page(connection, query, before=first.older, limit=5)
        assert second.newer is not None
        back = page(connection, query, after=second.newer, limit=5)
        assert [entry.index for entry in back.entries] == [entry.index for entry in first.entries]
        assert (back.newer, back.older) == (None, first.older)
        beyond = page(connection, query, before=0, limit=5)
        assert beyond.entries == []
        assert beyond.newer == -1
        oldest = page(connection, query, after=beyond.newer, limit=5)
        assert oldest.older is None
        assert oldest.entries[-1].index == next(e.index for e in export(connection, query))
        newest = first.entries[0].index
        past_the_end = page(connection, query, after=newest, limit=5)
        assert past_the_end.entries == []
        assert past_the_end.older == newest + 1
        assert page(connection, query, before=past_the_end.older, limit=5).entries == first.entries
        with pytest.raises(ValueError, match="one of its ends"):
            page(connection, query, before=5, after=3)


def test_page_that_would_cost_too_much_ends_early_and_says_where(
    database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CANDIDATES", 20)
    monkeypatch.setattr(queries, "PROBE_CANDIDATES", 3)
    text_query = AuditQuery(organization_id=ORGANIZATION, text="analytics-0")
    pair = AuditQuery(organization_id=ORGANIZATION, code="check", outcome=Outcome.DENIED)
    for query in (text_query, pair):
        with database.read() as connection:
            shown = page(connection, query, limit=5)
            assert shown.entries == []
            assert shown.searched_until is not None
            assert shown.older == shown.searched_until
            skipped = [entry for entry in everything(database) if entry.index >= shown.searched_until]
            assert not any(matches(entry, query) for entry in skipped)
            upwards = page(connection, query, after=0, limit=5)
            assert upwards.searched_until == upwards.newer is not None
            on = page(connection, query, before=shown.older, limit=5)
            assert on.older is None or on.older < (shown.older or 0)
    common = AuditQuery(organization_id=ORGANIZATION, text="analytics-1")
    for query in (text_query, pair, common):
        expected = [entry.index for entry in reversed(everything(database)) if matches(entry, query)]
        for up in (False, True):
            assert walked(database, query, limit=5, up=up) == expected


def test_text_that_is_in_every_body_but_nowhere_it_counts_ends_early_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PARSED", 50)
    monkeypatch.setattr(search, "TEXT_ROWS", 25)
    with database.read() as connection:
        shown = page(connection, AuditQuery(organization_id=ORGANIZATION, text=ORGANIZATION), limit=5)
        assert shown.entries == []
        assert shown.searched_until is not None
        assert list(export(connection, AuditQuery(organization_id=ORGANIZATION, text=ORGANIZATION))) == []


def test_windows_find_an_event_by_its_own_time_although_the_clock_was_wrong(back_end: str, tmp_path: Path) -> None:
    database = new_database(tmp_path / "log.db")
    days = [10, 11, 500, 12, 13, 2, 14]  # once far ahead, once far behind
    signer = Ed25519Signer("test.log", bytes(range(32)))
    for number, day in enumerate(days):
        log = AuditLog(database, signer, FixedClock(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)))
        with log.unit_of_work(Context(SYSTEM)) as uow:
            uow.record(DoorOpened(organization_id=ORGANIZATION, door=str(number)))
            uow.record(DoorOpened(organization_id=ORGANIZATION, door=f"{number} again"))
    for low, high in itertools.combinations([0, 2, 3, 10, 12, 13, 14, 15, 500, 501], 2):
        window = AuditQuery(
            organization_id=ORGANIZATION,
            since=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=low),
            until=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=high),
        )
        with database.read() as connection:
            found = [entry.index for entry in export(connection, window)]
            assert store.clock_steps(connection) == [6, 10]
            verify_log(connection, origin=signer.origin, public_key=signer.public_key)
        expected = [number for number, day in enumerate(days) if low <= day < high]
        assert found == [index for number in expected for index in (2 * number, 2 * number + 1)]
        assert walked(database, window, limit=3) == found[::-1]
    database.close()


def test_past_window_stays_as_it_is_while_the_log_grows(database: Database, tmp_path: Path) -> None:
    grown = copy_of(database, tmp_path / "grown.db")
    window = AuditQuery(organization_id=ORGANIZATION, until=END - HALF_MINUTE * 10)
    with grown.read() as connection:
        before = list(export(connection, window))
    fill(grown, ORGANIZATION, 20, until=END + timedelta(days=2), seed=8)
    with grown.read() as connection:
        assert list(export(connection, window)) == before
        assert list(export(connection, window, limit=3)) == before[:3]
        assert list(export(connection, window, after=before[2].index, below=before[5].index)) == before[3:5]
    grown.close()


def test_choices_are_what_is_in_the_log_of_the_organization(database: Database, cast: Cast) -> None:
    with database.read() as connection:
        found = choices(connection, ORGANIZATION)
        assert choices(connection, "nobody") == {"codes": [], "actors": []}
    own = [entry for entry in everything(database) if entry.organization_id == ORGANIZATION]
    assert found["codes"] == sorted({entry.code for entry in own})
    named = {actor_id: details for _, actor_id, details in cast.actors}
    actors = sorted({entry.actor_id for entry in own})
    assert [(actor["id"], actor["details"]) for actor in found["actors"]] == [(one, named[one]) for one in actors]
    assert set(found["codes"]) <= set(CODES)


def test_filler_leaves_a_log_that_verifies(database: Database, tmp_path: Path) -> None:
    copy = copy_of(database, tmp_path / "signed.db")
    log = AuditLog(copy, Ed25519Signer("test.log", bytes(range(32))), FixedClock(END))
    with log.unit_of_work(Context(SYSTEM)) as uow:
        uow.record(DoorOpened(organization_id=ORGANIZATION, door="front"))
    with log.database.read() as connection:
        verified = verify_log(connection, origin=log.signer.origin, public_key=log.signer.public_key)
    assert verified.size == COUNT + 51
    log.database.close()


def test_no_page_reads_the_whole_log_or_sorts(back_end: str, database: Database, cast: Cast) -> None:
    """Each statement of each page goes by an index of the organization, or by the log's own order."""
    single = [query for query in itertools.islice(some_queries(cast), 36) if query.text is None]
    pairs = [replace(query, outcome=Outcome.DENIED) for query in single]
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        statements.append((statement, parameters))

    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", note)
        for query in (*single, *pairs, AuditQuery(organization_id=ORGANIZATION, text="a")):
            page(connection, query, before=300, limit=5)
            page(connection, query, after=300, limit=5)
        choices(connection, ORGANIZATION)
        event.remove(connection, "before_cursor_execute", note)
        if back_end == POSTGRESQL:  # so few entries are read as a whole, if there is no telling it not to
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        for statement, parameters in {(one, str(of)): (one, of) for one, of in statements}.values():
            plan = [row[-1] for row in connection.exec_driver_sql(f"{EXPLAIN[back_end]} {statement}", parameters)]
            bad = [step for step in plan if any(costly in step for costly in COSTLY[back_end])]
            assert not bad, (statement, plan)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("RENAMED", True),
        ("10.0.0.0/8", True),
        ("inner", True),
        ("12", True),
        ("true", True),
        ('quote " and \\', True),
        ("label", False),  # only a key of the data
        ("hidden", False),  # beside the data
        ("é", True),
        ("É", False),
    ],
)
def test_text_is_looked_for_in_the_summary_and_in_values_of_the_data(wanted: str, found: bool) -> None:
    data: dict[str, Any] = {"label": ["10.0.0.0/8", {"x": "inner"}], "n": 12, "yes": True, "no": None}
    data["odd"] = 'quote " and \\ café'
    assert holds_text({"summary": "Renamed.", "data": data, "salt": "hidden"}, wanted) == found
