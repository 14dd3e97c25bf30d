"""Tables of evidence and of results. A result is what an evaluator said at the last look; no control has a state here.

`check_run` has one row per check and place: when it was last tried, when it last worked, and why it failed if it did.
`check_result` has one row per check, place and resource of the last look that worked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    Text,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from stronghouse.audit import windows
from stronghouse.audit.store import audit_entry
from stronghouse.kernel.canonical import parse_json
from stronghouse.responsibility.events import CheckStateChanged
from stronghouse.responsibility.model import Result, ResultState
from stronghouse.storage.columns import Timestamp, identifier, metadata
from stronghouse.storage.portable import upsert

evidence = Table(
    "evidence",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of `body`, hex
    Column("organization_id", identifier(), nullable=True, index=True),
    Column("collector", String(80), nullable=False),
    Column("place", String(80), nullable=False),
    Column("collected_at", Timestamp, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("audit_index", BigInteger, nullable=False),  # the leaf of the audit log that commits to `id`
    Column("expired_at", Timestamp, nullable=True),  # when retention took the body away, which is empty since
)
check_run = Table(
    "check_run",
    metadata,
    Column("check_id", String(80), primary_key=True),
    Column("place", String(80), primary_key=True),
    Column("check_version", Integer, nullable=False),
    Column("attempted_at", Timestamp, nullable=False),
    Column("collected_at", Timestamp, nullable=True),
    Column("evaluated_at", Timestamp, nullable=True),
    Column("error", Text, nullable=True),
)
check_result = Table(
    "check_result",
    metadata,
    Column("check_id", String(80), primary_key=True),
    Column("place", String(80), primary_key=True),
    Column("resource", String(400), primary_key=True),
    Column("organization_id", identifier(), nullable=True, index=True),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence_id", String(64), ForeignKey("evidence.id"), nullable=False, index=True),
    Column("evaluated_at", Timestamp, nullable=False),
)
MAX_CHANGES = 500  # read for one document; a busier day shows its newest
_WORST_FIRST: ColumnElement[int] = case(
    (check_result.c.state == ResultState.FAIL.value, 0),
    (check_result.c.state == ResultState.MANUAL.value, 1),
    (check_result.c.state == ResultState.PASS.value, 2),
    else_=3,
)


@dataclass(frozen=True)
class StoredEvidence:
    """Evidence as it is kept. `body` is canonical JSON, `id` its SHA-256 in hex."""

    id: str
    organization_id: str | None
    collector: str
    place: str
    collected_at: datetime
    body: str
    audit_index: int
    expired_at: datetime | None = None


@dataclass(frozen=True)
class Run:
    """How the last look of a check went in one place. `error` is None after one that worked."""

    check_id: str
    place: str
    check_version: int
    attempted_at: datetime
    collected_at: datetime | None
    evaluated_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class StoredResult:
    """What a check said of one resource."""

    check_id: str
    place: str
    resource: str
    organization_id: str | None
    state: ResultState
    reason: str
    evidence_id: str
    evaluated_at: datetime


def insert_evidence(connection: Connection, kept: StoredEvidence) -> None:
    """Keep evidence; it is never changed."""
    connection.execute(insert(evidence).values(**kept.__dict__))


def find_evidence(connection: Connection, evidence_id: str) -> StoredEvidence | None:
    """Evidence by its hash, whoever it belongs to."""
    row = connection.execute(select(evidence).where(evidence.c.id == evidence_id)).one_or_none()
    return None if row is None else StoredEvidence(**row._asdict())


def cited_evidence(connection: Connection) -> Iterable[StoredEvidence]:
    """The evidence that current results stand on."""
    cited = select(check_result.c.evidence_id).distinct()
    for row in connection.execute(select(evidence).where(evidence.c.id.in_(cited)).order_by(evidence.c.id)):
        yield StoredEvidence(**row._asdict())


@dataclass(frozen=True)
class Expirable:
    """Evidence whose time is over: how many pieces, from when to when."""

    count: int
    oldest: datetime | None
    newest: datetime | None


def expirable(connection: Connection, *, before: datetime) -> Expirable:
    """The evidence from before a time that no current result stands on and that has not expired yet."""
    at = evidence.c.collected_at
    row = connection.execute(select(func.count(), func.min(at), func.max(at)).where(_over(before))).one()
    return Expirable(int(row[0]), row[1], row[2])


def expire_evidence(connection: Connection, *, before: datetime, now: datetime) -> None:
    """Take the bodies of this evidence away; everything else about it stays."""
    connection.execute(update(evidence).where(_over(before)).values(body="", expired_at=now))


def _over(before: datetime) -> ColumnElement[bool]:
    cited = select(check_result.c.evidence_id)
    old = (evidence.c.collected_at < before) & evidence.c.expired_at.is_(None)
    return old & evidence.c.id.not_in(cited)


def put_run(connection: Connection, run: Run) -> None:
    """Replace what is known of a check in one place."""
    upsert(connection, check_run, key=["check_id", "place"], values=run.__dict__)


def runs(connection: Connection) -> dict[tuple[str, str], Run]:
    """The last look of every check, by check and place."""
    return {(row.check_id, row.place): Run(**row._asdict()) for row in connection.execute(select(check_run))}


def run_of(connection: Connection, *, check_id: str, place: str) -> Run | None:
    """The last look of one check in one place."""
    query = select(check_run).where(check_run.c.check_id == check_id, check_run.c.place == place)
    row = connection.execute(query).one_or_none()
    return None if row is None else Run(**row._asdict())


def counts_in(connection: Connection, *, check_id: str, place: str) -> dict[ResultState, int]:
    """How many results of a check in one place are in each state, whoever they belong to."""
    query = (
        select(check_result.c.state, func.count())
        .where(check_result.c.check_id == check_id, check_result.c.place == place)
        .group_by(check_result.c.state)
    )
    return {ResultState(state): count for state, count in connection.execute(query)}


def replace_results(connection: Connection, *, check_id: str, place: str, results: Sequence[StoredResult]) -> None:
    """Put these results in the place of all former ones: a resource that is gone takes its result with it."""
    connection.execute(delete(check_result).where(check_result.c.check_id == check_id, check_result.c.place == place))
    if results:
        connection.execute(
            insert(check_result), [{**result.__dict__, "state": result.state.value} for result in results]
        )


def results_of(
    connection: Connection, *, check_id: str, place: str, evidence_id: str | None = None
) -> list[StoredResult]:
    """Every result of a check in a place, or only those that stand on one piece of evidence."""
    query = select(check_result).where(check_result.c.check_id == check_id, check_result.c.place == place)
    if evidence_id is not None:
        query = query.where(check_result.c.evidence_id == evidence_id)
    return [_result(row) for row in connection.execute(query.order_by(check_result.c.resource))]


def checks_on(connection: Connection, evidence_id: str) -> list[str]:
    """The checks that have results on a piece of evidence."""
    query = select(check_result.c.check_id).where(check_result.c.evidence_id == evidence_id).distinct()
    return sorted(connection.execute(query).scalars())


def counts(connection: Connection, *, organization_id: str) -> dict[tuple[str, str], dict[ResultState, int]]:
    """How many results an organization sees in each state, by check and place."""
    query = (
        select(check_result.c.check_id, check_result.c.place, check_result.c.state, func.count())
        .where(_visible(organization_id))
        .group_by(check_result.c.check_id, check_result.c.place, check_result.c.state)
    )
    found: dict[tuple[str, str], dict[ResultState, int]] = {}
    for check_id, place, state, count in connection.execute(query):
        found.setdefault((check_id, place), {})[ResultState(state)] = count
    return found


def worst(connection: Connection, *, organization_id: str, limit: int) -> list[StoredResult]:
    """The results that an organization sees, failures first, at most `limit` for each check and place."""
    rank = func.row_number().over(
        partition_by=(check_result.c.check_id, check_result.c.place), order_by=(_WORST_FIRST, check_result.c.resource)
    )
    ranked = select(check_result, rank.label("rank")).where(_visible(organization_id)).subquery()
    query = select(ranked).where(ranked.c.rank <= limit).order_by(ranked.c.check_id, ranked.c.place, ranked.c.rank)
    return [_result(row) for row in connection.execute(query)]


@dataclass(frozen=True)
class StateChange:
    """A check came to another state in one place, as the audit log has it."""

    check: str
    place: str
    before: str
    after: str
    at: datetime


def state_changes(connection: Connection, *, since: datetime) -> list[StateChange]:
    """The newest changes since then, over all organizations, newest first, at most `MAX_CHANGES`."""
    first = min((start for start, _ in windows.spans(connection, since=since, until=None)), default=0)
    query = select(audit_entry.c.body, audit_entry.c.created_at).where(
        audit_entry.c.organization_id.is_(None),  # the checks are the installation's
        audit_entry.c.code == CheckStateChanged.code,
        audit_entry.c.index >= first,
        audit_entry.c.created_at >= since,
    )
    found = []
    for row in connection.execute(query.order_by(audit_entry.c.index.desc()).limit(MAX_CHANGES)):
        data: Any = parse_json(row.body)
        told = data["data"]
        found.append(StateChange(told["check"], told["place"], told["before"], told["after"], row.created_at))
    return found


def as_results(stored: Iterable[StoredResult]) -> list[Result]:
    """The results as their evaluator gave them."""
    return [Result(one.resource, one.state, one.reason) for one in stored]


def _visible(organization_id: str) -> ColumnElement[bool]:
    return or_(check_result.c.organization_id.is_(None), check_result.c.organization_id == organization_id)


def _result(row: Row[tuple[object, ...]]) -> StoredResult:
    fields = row._asdict()
    fields.pop("rank", None)
    return StoredResult(**{**fields, "state": ResultState(fields["state"])})
