"""The log as a file: one CSV record or one JSON object for each event, in the order of commits.

Cells of the CSV are safe to open in a spreadsheet: names come from outside, and one that would be read as a formula is
marked as text (OWASP, "CSV Injection"). NDJSON has each event as it was recorded, for programs.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from unicodedata import category

from stronghouse.audit.events import AuditLogExported
from stronghouse.audit.filters import AuditQuery, texts_of
from stronghouse.audit.query import export
from stronghouse.audit.store import Entry, size
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.canonical import Json
from stronghouse.storage.database import Database

COLUMNS = (
    "index",
    "id",
    "time",
    "code",
    "outcome",
    "summary",
    "actor_type",
    "actor_id",
    "actor_details",
    "address",
    "user_agent",
    "service_id",
    "request_id",
    "data",
)
FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - some spreadsheets read the wide forms too
KEPT = "\t\r\n"
"""Control characters that a cell may hold; the others could steer the terminal that shows the file."""
PART_ENTRIES = 1_000
PART_BYTES = 64 * 1024


class Format(StrEnum):
    """What an export can be."""

    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPES: Mapping[Format, str] = MappingProxyType(
    {Format.CSV: "text/csv; charset=utf-8; header=present", Format.NDJSON: "application/x-ndjson"}
)


def record_export(uow: UnitOfWork, query: AuditQuery, *, kind: Format) -> None:
    """Record who takes a copy of what; before `parts` gives the first byte of it."""
    uow.record(AuditLogExported(organization_id=query.organization_id, format=kind.value, filters=texts_of(query)))


def parts(database: Database, query: AuditQuery, *, kind: Format) -> Iterator[bytes]:
    """The file, piece by piece, of what matches and is in the log now.

    The log only grows, so what stands below its present end is one snapshot of it. Therefore no transaction is open
    while a piece is sent, and a reader who is slow, or goes away, holds up nothing.
    """
    with database.read() as connection:
        end = size(connection)
    entries = _entries(database, query, end)
    piece = bytearray()
    for line in csv_lines(entries) if kind is Format.CSV else ndjson_lines(entries):
        piece += line
        if len(piece) >= PART_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def file_name(kind: Format, now: datetime) -> str:
    """What the file is called when it is saved."""
    return f"audit-log-{now:%Y%m%dT%H%M%SZ}.{kind.value}"


def csv_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """A header and one record for each entry: RFC 4180, UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n", quoting=csv.QUOTE_ALL)  # some spreadsheets split at `;` too
    yield f"{','.join(COLUMNS)}\r\n".encode()
    for entry in entries:
        writer.writerow([entry.index, *map(_cell, _values(entry.event()))])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def ndjson_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """One object for each entry: its place in the log, and then just the bytes of its leaf that follow the brace."""
    for entry in entries:
        yield f'{{"index":{entry.index},{entry.body[1:]}\n'.encode()


def _entries(database: Database, query: AuditQuery, end: int) -> Iterator[Entry]:
    last = -1
    while True:
        with database.read() as connection:
            found = list(export(connection, query, after=last, below=end, limit=PART_ENTRIES))
        yield from found
        if len(found) < PART_ENTRIES:
            return
        last = found[-1].index


def _values(event: dict[str, Json]) -> Iterator[str | None]:
    """What stands in the columns after the first."""
    actor: Any = event["actor"]
    shown = {**event, **{f"actor_{name}": value for name, value in actor.items()}}
    shown["data"] = _escaped(json.dumps(event["data"], ensure_ascii=False, separators=(",", ":")))
    for name in COLUMNS[1:]:
        value = shown[name]
        yield None if value is None else str(value)


def _escaped(text: str) -> str:
    """JSON that says the same without a control character."""
    return (
        text if text.isprintable() else "".join(f"\\u{ord(one):04x}" if category(one) == "Cc" else one for one in text)
    )


def _cell(text: str | None) -> str:
    """Text as a cell that no spreadsheet computes and no terminal obeys."""
    if not text:
        return ""
    if not text.isprintable():
        text = "".join(one if category(one) != "Cc" or one in KEPT else "\N{REPLACEMENT CHARACTER}" for one in text)
    return f"'{text}" if text.startswith(FORMULA) else text
