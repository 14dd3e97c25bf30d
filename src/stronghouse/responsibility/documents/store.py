"""Tables of filed documents, of their reviews, and of who carries the machines of each region."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
)

from stronghouse.responsibility.documents.model import Document, Party, Provider, Review, StoredFile
from stronghouse.storage.columns import Timestamp, identifier, metadata
from stronghouse.storage.portable import upsert

document = Table(
    "document",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False, index=True),
    Column("request_id", String(80), nullable=False),
    Column("document_date", String(10), nullable=False),
    Column("valid_until", String(10), nullable=False),
    Column("note", Text, nullable=False),
    Column("filed_at", Timestamp, nullable=False),
    Column("filed_by_type", String(16), nullable=False),
    Column("filed_by_id", String(80), nullable=False),
    Column("filed_by_details", String(400), nullable=False),
    Column("filed_by_person", String(36), nullable=True),
    Column("file_name", String(200), nullable=True),
    Column("media_type", String(120), nullable=True),
    Column("sha256", String(64), nullable=True),
    Column("size", BigInteger, nullable=True),
)
document_review = Table(
    "document_review",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("document_id", identifier(), ForeignKey("document.id"), nullable=False, index=True),
    Column("note", Text, nullable=False),
    Column("reviewed_at", Timestamp, nullable=False),
    Column("reviewed_by_type", String(16), nullable=False),
    Column("reviewed_by_id", String(80), nullable=False),
    Column("reviewed_by_details", String(400), nullable=False),
    Column("reviewed_by_person", String(36), nullable=True),
)
region_hosting = Table(
    "region_hosting",
    metadata,
    Column("region_id", String(64), primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("declared_at", Timestamp, nullable=False),
)


def insert_document(connection: Connection, new: Document) -> None:
    """Keep a new document."""
    connection.execute(
        insert(document).values(
            id=new.id,
            organization_id=new.organization_id,
            request_id=new.request_id,
            document_date=new.document_date.isoformat(),
            valid_until=new.valid_until.isoformat(),
            note=new.note,
            filed_at=new.filed_at,
            **_party_row("filed_by", new.filed_by),
            file_name=new.file_name,
            media_type=new.media_type,
            sha256=new.file.sha256 if new.file else None,
            size=new.file.size if new.file else None,
        )
    )


def insert_review(connection: Connection, new: Review) -> None:
    """Keep a review."""
    connection.execute(
        insert(document_review).values(
            id=new.id,
            document_id=new.document_id,
            note=new.note,
            reviewed_at=new.reviewed_at,
            **_party_row("reviewed_by", new.reviewed_by),
        )
    )


def delete_document(connection: Connection, document_id: str) -> None:
    """Forget a document and its reviews."""
    connection.execute(delete(document_review).where(document_review.c.document_id == document_id))
    connection.execute(delete(document).where(document.c.id == document_id))


def find(connection: Connection, *, organization_id: str, document_id: str) -> Document | None:
    """An organization's document by id."""
    query = select(document).where(document.c.organization_id == organization_id, document.c.id == document_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _document(row)


def page(connection: Connection, *, organization_id: str, before: Document | None, limit: int) -> list[Document]:
    """An organization's documents, the newest filed first, from the one filed before `before`."""
    query = select(document).where(document.c.organization_id == organization_id)
    if before is not None:
        older = (document.c.filed_at == before.filed_at) & (document.c.id < before.id)
        query = query.where(or_(document.c.filed_at < before.filed_at, older))
    ordered = query.order_by(document.c.filed_at.desc(), document.c.id.desc()).limit(limit)
    return [_document(row) for row in connection.execute(ordered)]


def current(connection: Connection, owners: Collection[str] | None = None) -> dict[tuple[str, str], Document]:
    """The document that counts for each organization (of `owners`) and request: the one with the newest own date."""
    query = select(document).order_by(document.c.document_date, document.c.filed_at, document.c.id)
    if owners is not None:
        query = query.where(document.c.organization_id.in_(owners))
    return {(row.organization_id, row.request_id): _document(row) for row in connection.execute(query)}


def last_reviews(connection: Connection, owners: Collection[str] | None = None) -> dict[str, Review]:
    """The newest review of each document (of these organizations)."""
    query = select(document_review).order_by(document_review.c.reviewed_at, document_review.c.id)
    if owners is not None:
        owned = select(document.c.id).where(document.c.organization_id.in_(owners))
        query = query.where(document_review.c.document_id.in_(owned))
    return {row.document_id: _review(row) for row in connection.execute(query)}


def reviews_of(connection: Connection, document_id: str) -> list[Review]:
    """The reviews of a document, newest first."""
    query = select(document_review).where(document_review.c.document_id == document_id)
    ordered = query.order_by(document_review.c.reviewed_at.desc(), document_review.c.id.desc())
    return [_review(row) for row in connection.execute(ordered)]


def sizes(connection: Connection, organization_id: str) -> tuple[int, int]:
    """How many documents an organization has on file, and how many bytes they hold."""
    query = select(func.count(), func.coalesce(func.sum(document.c.size), 0))
    count, total = connection.execute(query.where(document.c.organization_id == organization_id)).one()
    return int(count), int(total)


def ids_with_file(connection: Connection) -> set[str]:
    """The documents that have a sealed file."""
    return set(connection.execute(select(document.c.id).where(document.c.sha256.is_not(None))).scalars())


def hosting(connection: Connection) -> dict[str, Provider]:
    """Who carries the machines of each region for which it was declared."""
    return {row.region_id: Provider(row.provider) for row in connection.execute(select(region_hosting))}


def put_hosting(connection: Connection, *, region_id: str, provider: Provider, now: datetime) -> None:
    """Declare who carries a region's machines."""
    values = {"region_id": region_id, "provider": provider.value, "declared_at": now}
    upsert(connection, region_hosting, key=["region_id"], values=values)


def _party_row(prefix: str, party: Party) -> dict[str, str | None]:
    return {
        f"{prefix}_type": party.type,
        f"{prefix}_id": party.id,
        f"{prefix}_details": party.details,
        f"{prefix}_person": party.person,
    }


def _document(row: Row[tuple[object, ...]]) -> Document:
    return Document(
        id=row.id,
        organization_id=row.organization_id,
        request_id=row.request_id,
        document_date=date.fromisoformat(row.document_date),
        valid_until=date.fromisoformat(row.valid_until),
        note=row.note,
        filed_at=row.filed_at,
        filed_by=Party(row.filed_by_type, row.filed_by_id, row.filed_by_details, row.filed_by_person),
        file_name=row.file_name,
        media_type=row.media_type,
        file=None if row.sha256 is None else StoredFile(row.sha256, row.size),
    )


def _review(row: Row[tuple[object, ...]]) -> Review:
    by = Party(row.reviewed_by_type, row.reviewed_by_id, row.reviewed_by_details, row.reviewed_by_person)
    return Review(id=row.id, document_id=row.document_id, note=row.note, reviewed_at=row.reviewed_at, reviewed_by=by)
