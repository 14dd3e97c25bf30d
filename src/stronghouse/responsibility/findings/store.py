"""Tables of findings, of what happened to them, of dispositions, and of who is accountable for a row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from stronghouse.access.events import KeyCreated
from stronghouse.audit.store import audit_entry
from stronghouse.kernel.canonical import parse_json
from stronghouse.responsibility.findings.model import (
    CHECK,
    RANK,
    UNRESOLVED,
    Disposition,
    DispositionKind,
    DispositionState,
    Finding,
    FindingStatus,
    Party,
    Step,
)
from stronghouse.responsibility.model import ResultState, Severity
from stronghouse.responsibility.store import check_result
from stronghouse.storage.columns import Timestamp, identifier, metadata

AT_ONCE = 500  # ids in one statement; SQLite's own limit is far above
finding = Table(
    "finding",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organization_id", identifier(), nullable=True, index=True),
    Column("source", String(20), nullable=False),
    Column("source_id", String(80), nullable=False),
    Column("resource", String(400), nullable=False),
    Column("place", String(80), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("title", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("remediation", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("first_seen_at", Timestamp, nullable=False),
    Column("opened_at", Timestamp, nullable=False),
    Column("last_seen_at", Timestamp, nullable=False),
    Column("resolved_at", Timestamp, nullable=True),
    Column("reopened", Integer, nullable=False),
    Column("assignee", identifier(), nullable=True),
    Column("due_at", Timestamp, nullable=False),
    Index("ix_finding_source", "source", "source_id", "place"),
)
finding_step = Table(
    "finding_step",
    metadata,
    Column("id", Integer, primary_key=True),  # counts up: the order in which things happened
    Column("finding_id", String(64), ForeignKey("finding.id"), nullable=False, index=True),
    Column("at", Timestamp, nullable=False),
    Column("what", String(40), nullable=False),
    Column("actor_type", String(16), nullable=False),
    Column("actor_id", String(80), nullable=False),
    Column("actor_details", String(400), nullable=False),
    Column("note", Text, nullable=False),
)
disposition = Table(
    "disposition",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("finding_id", String(64), ForeignKey("finding.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("author_type", String(16), nullable=False),
    Column("author_id", String(80), nullable=False),
    Column("author_details", String(400), nullable=False),
    Column("author_person", identifier(), nullable=True),
    Column("state", String(16), nullable=False, index=True),
    Column("severity", String(10), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("duplicate_of", String(64), ForeignKey("finding.id"), nullable=True, index=True),
    Column("approver_type", String(16), nullable=True),
    Column("approver_id", String(80), nullable=True),
    Column("approver_details", String(400), nullable=True),
    Column("approver_person", identifier(), nullable=True),
    Column("decided_at", Timestamp, nullable=True),
    Column("ended_at", Timestamp, nullable=True),
    Column("ended_because", String(40), nullable=True),
)
accountable = Table(
    "accountable",
    metadata,
    Column("organization_id", identifier(), primary_key=True),
    Column("row_id", String(80), primary_key=True),
    Column("user_id", identifier(), nullable=False),
)
PENDING = (DispositionState.REQUESTED, DispositionState.IN_FORCE)


def _ranked(column: ColumnElement[str]) -> ColumnElement[int]:
    return case({severity.value: rank for severity, rank in RANK.items()}, value=column, else_=len(RANK))


severity_rank = _ranked(finding.c.severity)


@dataclass(frozen=True)
class Coverage:
    """How many failing results dispositions cover, and when the first of those ends."""

    count: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which findings to list, worst and most urgent first; `after` is the last one's key of the page before."""

    statuses: Sequence[FindingStatus] = UNRESOLVED
    severity: Severity | None = None
    source_ids: Sequence[str] | None = None
    resource: str | None = None
    disposition: str | None = None
    after: tuple[int, datetime, str] | None = None
    limit: int = 100


def of_source(connection: Connection, *, source: str, source_id: str, place: str) -> list[Finding]:
    """Every finding of one source in one place, resolved or not."""
    query = select(finding).where(
        finding.c.source == source, finding.c.source_id == source_id, finding.c.place == place
    )
    return [_finding(row) for row in connection.execute(query)]


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, Finding]:
    """These findings, whoever they belong to; those that do not exist are left out."""
    found: dict[str, Finding] = {}
    for some in _batches(ids):
        for row in connection.execute(select(finding).where(finding.c.id.in_(some))):
            found[row.id] = _finding(row)
    return found


def find(connection: Connection, finding_id: str) -> Finding | None:
    """A finding by its id, whoever it belongs to."""
    return by_ids(connection, [finding_id]).get(finding_id)


def find_visible(connection: Connection, *, organization_id: str, prefix: str) -> list[Finding]:
    """Up to two findings that the organization sees whose ids begin so."""
    matches = and_(finding.c.id >= prefix, finding.c.id < f"{prefix}g")  # ids are hexadecimal
    query = select(finding).where(visible(organization_id), matches).limit(2)
    return [_finding(row) for row in connection.execute(query)]


def insert_all(connection: Connection, new: Sequence[Finding]) -> None:
    """Keep new findings."""
    if new:
        connection.execute(insert(finding), [_values(one) for one in new])


def update_all(connection: Connection, changed: Sequence[Finding]) -> None:
    """Replace these findings' fields."""
    if changed:
        fields = ("severity", "title", "reason", "remediation", "status", "opened_at", "last_seen_at", "resolved_at")
        names = (*fields, "reopened", "assignee", "due_at")
        statement = (
            update(finding)
            .where(finding.c.id == bindparam("the_id"))
            .values({name: bindparam(f"new_{name}") for name in names})
        )
        rows = [_values(one) for one in changed]
        connection.execute(
            statement, [{"the_id": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows]
        )


def touch(connection: Connection, *, source: str, source_id: str, place: str, now: datetime) -> None:
    """Note that all unresolved findings of a source in a place were seen again. One statement, however many."""
    own = and_(finding.c.source == source, finding.c.source_id == source_id, finding.c.place == place)
    unresolved = finding.c.status != FindingStatus.RESOLVED.value
    connection.execute(update(finding).where(own, unresolved).values(last_seen_at=now))


def add_steps(connection: Connection, steps: Mapping[str, Step]) -> None:
    """Add one step to the history of each of these findings."""
    if steps:
        connection.execute(insert(finding_step), [{"finding_id": key, **step.__dict__} for key, step in steps.items()])


def steps_of(connection: Connection, finding_id: str, *, limit: int) -> list[Step]:
    """What happened to a finding, newest first."""
    query = select(finding_step).where(finding_step.c.finding_id == finding_id)
    rows = connection.execute(query.order_by(finding_step.c.id.desc()).limit(limit))
    names = Step.__dataclass_fields__
    return [Step(**{name: value for name, value in row._asdict().items() if name in names}) for row in rows]


def listed(connection: Connection, query: Query, *, organization_id: str, now: datetime) -> list[Finding]:
    """The findings that an organization sees, by severity, then by due date."""
    wanted = [visible(organization_id), finding.c.status.in_([status.value for status in query.statuses])]
    if query.severity is not None:
        wanted.append(finding.c.severity == query.severity.value)
    if query.source_ids is not None:
        wanted.append(finding.c.source_id.in_(list(query.source_ids)))
    if query.resource is not None:
        wanted.append(finding.c.resource == query.resource)
    if query.disposition is not None:
        wanted.append(_disposed(query.disposition, now))
    if query.after is not None:
        rank, due, last = query.after
        same_rank = and_(severity_rank == rank, or_(finding.c.due_at > due, _later_id(due, last)))
        wanted.append(or_(severity_rank > rank, same_rank))
    found = select(finding).where(*wanted).order_by(severity_rank, finding.c.due_at, finding.c.id).limit(query.limit)
    return [_finding(row) for row in connection.execute(found)]


def _later_id(due: datetime, last: str) -> ColumnElement[bool]:
    return and_(finding.c.due_at == due, finding.c.id > last)


def _disposed(wanted: str, now: datetime) -> ColumnElement[bool]:
    """A filter: `none`, `requested`, `in_force`, or a kind that is in force."""
    own = disposition.c.finding_id == finding.c.id
    requested = and_(disposition.c.state == DispositionState.REQUESTED.value, disposition.c.expires_at > now)
    if wanted == "none":
        return ~exists().where(own, or_(requested, covering(now)))
    if wanted == DispositionState.REQUESTED.value:
        return exists().where(own, requested)
    if wanted == DispositionState.IN_FORCE.value:
        return exists().where(own, covering(now))
    return exists().where(own, covering(now), disposition.c.kind == wanted)


def covering(now: datetime) -> ColumnElement[bool]:
    """Whether a disposition joined with its finding covers it: `Disposition.covers` in SQL."""
    return and_(
        disposition.c.state == DispositionState.IN_FORCE.value,
        disposition.c.expires_at > now,
        finding.c.status != FindingStatus.RESOLVED.value,
        _ranked(disposition.c.severity) <= severity_rank,
    )


def coverage(
    connection: Connection, *, now: datetime, organization_id: str | None = None, check_id: str | None = None
) -> dict[tuple[str, str], Coverage]:
    """Failing results whose findings dispositions cover, by check and place; of one organization's view, or of all."""
    same = and_(
        check_result.c.check_id == finding.c.source_id,
        check_result.c.place == finding.c.place,
        check_result.c.resource == finding.c.resource,
        func.coalesce(check_result.c.organization_id, "") == func.coalesce(finding.c.organization_id, ""),
    )
    query = (
        select(
            finding.c.source_id,
            finding.c.place,
            func.count(finding.c.id.distinct()).label("covered"),
            func.min(disposition.c.expires_at).label("until"),
        )
        .select_from(disposition)
        .join(finding, disposition.c.finding_id == finding.c.id)
        .join(check_result, same)
        .where(covering(now), finding.c.source == CHECK, check_result.c.state == ResultState.FAIL.value)
        .group_by(finding.c.source_id, finding.c.place)
    )
    if organization_id is not None:
        query = query.where(visible(organization_id))
    if check_id is not None:
        query = query.where(finding.c.source_id == check_id)
    rows = connection.execute(query)
    return {(row.source_id, row.place): Coverage(row.covered, row.until) for row in rows}


def worst(connection: Connection, *, organization_id: str, now: datetime, limit: int) -> list[Finding]:
    """The worst unresolved findings that nothing covers: by severity, then by due date."""
    accepted = exists().where(disposition.c.finding_id == finding.c.id, covering(now))
    unresolved = finding.c.status != FindingStatus.RESOLVED.value
    query = select(finding).where(visible(organization_id), unresolved, ~accepted)
    ordered = query.order_by(severity_rank, finding.c.due_at, finding.c.id).limit(limit)
    return [_finding(row) for row in connection.execute(ordered)]


def changed_sources(connection: Connection, *, organization_id: str, since: datetime) -> set[tuple[str, str]]:
    """Check and place of the findings that an organization sees and that were opened or resolved lately."""
    lately = or_(finding.c.opened_at >= since, finding.c.resolved_at >= since)
    query = select(finding.c.source_id, finding.c.place).where(
        visible(organization_id), finding.c.source == CHECK, lately
    )
    return {(row.source_id, row.place) for row in connection.execute(query.distinct())}


def insert_disposition(connection: Connection, new: Disposition) -> None:
    """Keep a new disposition."""
    connection.execute(insert(disposition).values(**_disposition_values(new)))


def update_disposition(connection: Connection, changed: Disposition) -> None:
    """Replace a disposition's fields."""
    statement = update(disposition).where(disposition.c.id == changed.id)
    connection.execute(statement.values(**_disposition_values(changed)))


def dispositions_of(connection: Connection, finding_id: str) -> list[Disposition]:
    """A finding's dispositions, newest first."""
    query = select(disposition).where(disposition.c.finding_id == finding_id)
    ordered = query.order_by(disposition.c.created_at.desc(), disposition.c.id)
    return [_disposition(row) for row in connection.execute(ordered)]


def pending_of(connection: Connection, ids: Iterable[str], *, as_target: bool = False) -> list[Disposition]:
    """Dispositions of these findings that are requested or in force; `as_target`: that name one as the original."""
    column = disposition.c.duplicate_of if as_target else disposition.c.finding_id
    states = disposition.c.state.in_([state.value for state in PENDING])
    found: list[Disposition] = []
    for some in _batches(ids):
        found += [_disposition(row) for row in connection.execute(select(disposition).where(column.in_(some), states))]
    return found


def expired(connection: Connection, *, now: datetime) -> list[Disposition]:
    """Dispositions whose time is over and that are not marked as ended yet."""
    states = disposition.c.state.in_([state.value for state in PENDING])
    query = select(disposition).where(states, disposition.c.expires_at <= now).order_by(disposition.c.expires_at)
    return [_disposition(row) for row in connection.execute(query)]


def any_pending(connection: Connection) -> bool:
    """Whether any disposition is requested or in force at all."""
    states = disposition.c.state.in_([state.value for state in PENDING])
    return connection.execute(select(literal(1)).select_from(disposition).where(states).limit(1)).first() is not None


def accountable_members(connection: Connection, organization_id: str) -> dict[str, str]:
    """The user ids of an organization's accountable members, by row."""
    query = select(accountable.c.row_id, accountable.c.user_id).where(accountable.c.organization_id == organization_id)
    return {row.row_id: row.user_id for row in connection.execute(query)}


def set_accountable(connection: Connection, *, organization_id: str, row_id: str, user_id: str | None) -> None:
    """Name who is accountable for a row; None names nobody."""
    own = and_(accountable.c.organization_id == organization_id, accountable.c.row_id == row_id)
    connection.execute(delete(accountable).where(own))
    if user_id is not None:
        row = {"organization_id": organization_id, "row_id": row_id, "user_id": user_id}
        connection.execute(insert(accountable).values(**row))


def maker_of_key(connection: Connection, *, organization_id: str, key_id: str) -> tuple[str, str] | None:
    """Type and id of the actor who made an API key, from the audit log, which keeps it for deleted keys too."""
    made = and_(audit_entry.c.organization_id == organization_id, audit_entry.c.code == KeyCreated.code)
    for body in connection.execute(select(audit_entry.c.body).where(made).order_by(audit_entry.c.index)).scalars():
        entry: Any = parse_json(body)
        if entry["data"]["key_id"] == key_id:
            return entry["actor"]["type"], entry["actor"]["id"]
    return None


def per_organization(connection: Connection) -> dict[str | None, int]:
    """How many findings there have been, by organization."""
    query = select(finding.c.organization_id, func.count().label("total")).group_by(finding.c.organization_id)
    return {row.organization_id: row.total for row in connection.execute(query)}


def waiting(connection: Connection, *, now: datetime) -> Iterator[Finding]:
    """Unresolved findings that nothing covers, the earliest due first."""
    accepted = exists().where(disposition.c.finding_id == finding.c.id, covering(now))
    query = select(finding).where(finding.c.status != FindingStatus.RESOLVED.value, ~accepted)
    for row in connection.execute(query.order_by(finding.c.due_at, finding.c.id)):
        yield _finding(row)


def visible(organization_id: str) -> ColumnElement[bool]:
    """Findings of the organization and of the installation."""
    return or_(finding.c.organization_id.is_(None), finding.c.organization_id == organization_id)


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while some := list(islice(remaining, AT_ONCE)):
        yield some


def _values(one: Finding) -> dict[str, Any]:
    return {**one.__dict__, "severity": one.severity.value, "status": one.status.value}


def _finding(row: Row[Any]) -> Finding:
    fields = {**row._asdict(), "severity": Severity(row.severity), "status": FindingStatus(row.status)}
    return Finding(**fields)


def _disposition_values(one: Disposition) -> dict[str, Any]:
    row = {**one.__dict__, "kind": one.kind.value, "state": one.state.value, "severity": one.severity.value}
    for role in ("author", "approver"):
        party: Party | None = row.pop(role)
        for name in Party.__dataclass_fields__:
            row[f"{role}_{name}"] = None if party is None else getattr(party, name)
    return row


def _disposition(row: Row[Any]) -> Disposition:
    fields = row._asdict()
    for role in ("author", "approver"):
        party = {name: fields.pop(f"{role}_{name}") for name in Party.__dataclass_fields__}
        fields[role] = None if party["type"] is None else Party(**party)
    fields |= {
        "kind": DispositionKind(row.kind),
        "state": DispositionState(row.state),
        "severity": Severity(row.severity),
    }
    return Disposition(**fields)
