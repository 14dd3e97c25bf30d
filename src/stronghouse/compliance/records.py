"""The tables of a package that are no evidence themselves: findings, dispositions, documents, what expired."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from stronghouse.compliance import store
from stronghouse.compliance.store import Piece
from stronghouse.compliance.tables import CsvWriter

FINDING_COLUMNS = (
    "id",
    "source",
    "source_id",
    "resource",
    "place",
    "severity",
    "title",
    "reason",
    "status",
    "first_seen_at",
    "opened_at",
    "last_seen_at",
    "resolved_at",
    "reopened",
    "due_at",
)
DISPOSITION_COLUMNS = (
    "id",
    "finding_id",
    "kind",
    "reason",
    "state",
    "severity",
    "author_details",
    "approver_details",
    "created_at",
    "decided_at",
    "expires_at",
    "ended_at",
    "ended_because",
)
DOCUMENT_COLUMNS = (
    "id",
    "request_id",
    "document_date",
    "valid_until",
    "filed_at",
    "filed_by_details",
    "note",
    "media_type",
    "size",
    "sha256",
)
REVIEW_COLUMNS = ("document_id", "reviewed_at", "reviewed_by_details", "note")
EXPIRED_COLUMNS = ("evidence", "collector", "place", "collected_at", "expired_at")


def write_records(
    connection: Connection, directory: Path, *, organization_id: str, start: datetime, end: datetime
) -> dict[str, int]:
    """Write the findings that were open in the period, the dispositions of them, and documents; how many of each."""
    counted = {}
    for name, columns, rows in (
        ("findings", FINDING_COLUMNS, store.findings),
        ("dispositions", DISPOSITION_COLUMNS, store.dispositions),
        ("documents", DOCUMENT_COLUMNS, store.documents),
        ("document-reviews", REVIEW_COLUMNS, store.document_reviews),
    ):
        with (directory / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = CsvWriter(file, columns)
            for row in rows(connection, columns, organization_id=organization_id, start=start, end=end):
                table.add(*row)
        counted[name.replace("-", "_")] = table.count
    return counted


def write_expired(directory: Path, pieces: Iterable[Piece]) -> None:
    """List the evidence of the period whose time of retention is over; the audit log still knows its hash."""
    with (directory / "expired-evidence.csv").open("w", encoding="utf-8", newline="") as file:
        table = CsvWriter(file, EXPIRED_COLUMNS)
        for piece in pieces:
            table.add(piece.id, piece.collector, piece.place, piece.collected_at, piece.expired_at)
