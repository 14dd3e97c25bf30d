"""The packages' table, and the questions that building one asks of evidence and of the audit log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from stronghouse.audit.store import audit_entry
from stronghouse.compliance.model import Package, PackageState, Sample
from stronghouse.organizations.operator import is_operator
from stronghouse.responsibility.documents.store import document, document_review
from stronghouse.responsibility.findings.store import disposition, finding
from stronghouse.responsibility.store import evidence
from stronghouse.storage.columns import Timestamp, identifier, metadata
from stronghouse.storage.streams import streamed

STREAM = 500
package = Table(
    "package",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False, index=True),
    Column("created_at", Timestamp, nullable=False),
    Column("period_from", Timestamp, nullable=False),
    Column("period_to", Timestamp, nullable=False),
    Column("sample", String(16), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("progress", Integer, nullable=False),
    Column("error", Text, nullable=True),
    Column("manifest", String(64), nullable=True),
    Column("sha256", String(64), nullable=True),
    Column("size", BigInteger, nullable=True),
    Column("finished_at", Timestamp, nullable=True),
    Column("verified_at", Timestamp, nullable=True),
    Column("expires_at", Timestamp, nullable=True),
)


def insert_package(connection: Connection, new: Package) -> None:
    """Keep a new package."""
    connection.execute(insert(package).values(**_fields(new)))


def put(connection: Connection, changed: Package) -> None:
    """Replace what is known of a package."""
    connection.execute(update(package).where(package.c.id == changed.id).values(**_fields(changed)))


def set_progress(connection: Connection, package_id: str, progress: int) -> None:
    """Note how far the building of a package is, in percent."""
    connection.execute(update(package).where(package.c.id == package_id).values(progress=progress))


def find(connection: Connection, *, organization_id: str, package_id: str) -> Package | None:
    """An organization's package, unless it was deleted."""
    row = connection.execute(
        select(package).where(
            package.c.id == package_id,
            package.c.organization_id == organization_id,
            package.c.state != PackageState.DELETED.value,
        )
    ).one_or_none()
    return None if row is None else _package(row)


def find_all(
    connection: Connection, *, organization_id: str, before: Package | None = None, limit: int | None = None
) -> list[Package]:
    """An organization's packages, newest first, from behind `before`; deleted ones are not among them."""
    query = select(package).where(
        package.c.organization_id == organization_id, package.c.state != PackageState.DELETED.value
    )
    if before is not None:
        query = query.where(
            or_(
                package.c.created_at < before.created_at,
                (package.c.created_at == before.created_at) & (package.c.id < before.id),
            )
        )
    query = query.order_by(package.c.created_at.desc(), package.c.id.desc()).limit(limit)
    return [_package(row) for row in connection.execute(query)]


def in_state(connection: Connection, state: PackageState) -> list[Package]:
    """Every organization's packages in one state, oldest first."""
    query = select(package).where(package.c.state == state.value).order_by(package.c.created_at, package.c.id)
    return [_package(row) for row in connection.execute(query)]


@dataclass(frozen=True)
class Made:
    """What an organization has to show for its packages: how much evidence there is, and how the last ones went."""

    pieces: int
    verified_at: datetime | None
    last_state: PackageState | None
    error: str | None


def made(connection: Connection, organization_id: str) -> Made:
    """When an organization last made a package that verified, and how the last one went; deleted ones count."""
    pieces = select(func.count()).select_from(evidence).where(_visible(organization_id))
    ended = select(package).where(package.c.organization_id == organization_id, package.c.finished_at.is_not(None))
    newest = ended.order_by(package.c.finished_at.desc(), package.c.id).limit(1)
    last = connection.execute(newest).one_or_none()
    verified = select(func.max(package.c.verified_at)).where(package.c.organization_id == organization_id)
    return Made(
        int(connection.execute(pieces).scalar_one()),
        connection.execute(verified).scalar_one(),
        None if last is None else PackageState(last.state),
        None if last is None else last.error,
    )


@dataclass(frozen=True)
class Piece:
    """What is known of a piece of evidence without its body."""

    id: str
    organization_id: str | None
    collector: str
    place: str
    collected_at: datetime
    audit_index: int
    expired_at: datetime | None


def pieces(connection: Connection, *, organization_id: str, start: datetime, end: datetime) -> Iterator[Piece]:
    """The evidence of [start, end) that an organization may see, in the order of the audit log."""
    columns = [evidence.c[name] for name in Piece.__dataclass_fields__]
    query = (
        select(*columns)
        .where(_visible(organization_id), evidence.c.collected_at >= start, evidence.c.collected_at < end)
        .order_by(evidence.c.audit_index, evidence.c.id)
    )
    for row in streamed(connection, query, batch=STREAM):
        yield Piece(**row._asdict())


def body(connection: Connection, evidence_id: str) -> str:
    """The canonical JSON of a piece of evidence."""
    return str(connection.execute(select(evidence.c.body).where(evidence.c.id == evidence_id)).scalar_one())


def events(connection: Connection, code: str, *, start: datetime, end: datetime) -> Iterator[tuple[int, str]]:
    """Index and body of the installation's events of one kind recorded in [start, end), in their order."""
    query = (
        select(audit_entry.c.index, audit_entry.c.body)
        .where(
            audit_entry.c.code == code,
            audit_entry.c.organization_id.is_(None),
            audit_entry.c.created_at >= start,
            audit_entry.c.created_at < end,
        )
        .order_by(audit_entry.c.index)
    )
    for row in streamed(connection, query, batch=STREAM):
        yield int(row[0]), str(row[1])


def findings(
    connection: Connection, columns: Sequence[str], *, organization_id: str, start: datetime, end: datetime
) -> Iterator[Sequence[object]]:
    """These columns of the findings that an organization may see and that were open at some time of [start, end)."""
    query = (
        select(*(finding.c[name] for name in columns))
        .where(_open_in(organization_id, start, end))
        .order_by(finding.c.first_seen_at, finding.c.id)
    )
    for row in streamed(connection, query, batch=STREAM):
        yield tuple(row)


def dispositions(
    connection: Connection, columns: Sequence[str], *, organization_id: str, start: datetime, end: datetime
) -> Iterator[Sequence[object]]:
    """These columns of the dispositions of the findings above that were asked for before `end`."""
    named = is_operator(connection, organization_id)
    query = (
        select(*(_of_disposition(name, named=named) for name in columns))
        .join(finding, finding.c.id == disposition.c.finding_id)
        .where(_open_in(organization_id, start, end), disposition.c.created_at < end)
        .order_by(disposition.c.created_at, disposition.c.id)
    )
    for row in streamed(connection, query, batch=STREAM):
        yield tuple(row)


def documents(
    connection: Connection, columns: Sequence[str], *, organization_id: str, start: datetime, end: datetime
) -> Iterator[Sequence[object]]:
    """These columns of the documents that the organization filed before `end` and that were valid in the period."""
    query = (
        select(*(document.c[name] for name in columns))
        .where(
            document.c.organization_id == organization_id,
            document.c.filed_at < end,
            document.c.valid_until >= start.date().isoformat(),
        )
        .order_by(document.c.filed_at, document.c.id)
    )
    yield from (tuple(row) for row in streamed(connection, query, batch=STREAM))


def document_reviews(
    connection: Connection, columns: Sequence[str], *, organization_id: str, start: datetime, end: datetime
) -> Iterator[Sequence[object]]:
    """These columns of the reviews of the organization's documents that took place in [start, end)."""
    query = (
        select(*(document_review.c[name] for name in columns))
        .join(document, document.c.id == document_review.c.document_id)
        .where(
            document.c.organization_id == organization_id,
            document_review.c.reviewed_at >= start,
            document_review.c.reviewed_at < end,
        )
        .order_by(document_review.c.reviewed_at, document_review.c.id)
    )
    yield from (tuple(row) for row in streamed(connection, query, batch=STREAM))


def _of_disposition(name: str, *, named: bool) -> ColumnElement[Any]:
    """A column; who decided on the installation's findings others than its operator learn by id only."""
    if named or not name.endswith("_details"):
        return disposition.c[name]
    by_id = disposition.c[name.replace("_details", "_id")]
    return case((finding.c.organization_id.is_(None), by_id), else_=disposition.c[name]).label(name)


def _open_in(organization_id: str, start: datetime, end: datetime) -> ColumnElement[bool]:
    mine = or_(finding.c.organization_id.is_(None), finding.c.organization_id == organization_id)
    lasted = or_(finding.c.resolved_at.is_(None), finding.c.resolved_at >= start)
    return and_(mine, finding.c.first_seen_at < end, lasted)


def _visible(organization_id: str) -> ColumnElement[bool]:
    return or_(evidence.c.organization_id.is_(None), evidence.c.organization_id == organization_id)


def _fields(one: Package) -> dict[str, object]:
    return {**one.__dict__, "state": one.state.value, "sample": one.sample.value}


def _package(row: Row[tuple[object, ...]]) -> Package:
    fields = row._asdict()
    return Package(**{**fields, "state": PackageState(fields["state"]), "sample": Sample(fields["sample"])})
