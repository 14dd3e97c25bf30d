"""Exports: files that programs read back as recorded, that spreadsheets do not compute and terminals do not obey."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from stronghouse.audit import export as exports
from stronghouse.audit import store, tree
from stronghouse.audit.event import Actor, ActorType, AuditEvent, Context
from stronghouse.audit.export import COLUMNS, Format, csv_lines, file_name, ndjson_lines, parts, record_export
from stronghouse.audit.filters import AuditQuery
from stronghouse.audit.store import Entry
from stronghouse.audit.unit_of_work import AuditLog

NASTY = [
    '=HYPERLINK("http://192.0.2.1";"x")',
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",  # noqa: RUF001
    'quote " and, comma',
    "two\nlines",
    "two\r\nlines",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "\x1b[31mred\x9b31m",
    "🏰 café \x00",
    "",
]
QUERY = AuditQuery(organization_id="o")


@dataclass(frozen=True, kw_only=True)
class Named(AuditEvent):
    """Something with a name from outside."""

    code: ClassVar[str] = "thing.name"
    name: str

    def summary(self) -> str:
        """One sentence."""
        return self.name


def entries(log: AuditLog) -> list[Entry]:
    with log.database.read() as connection:
        return list(store.entries(connection))


@pytest.fixture
def nasty(log: AuditLog) -> list[Entry]:
    for name in NASTY:
        with log.unit_of_work(Context(Actor(ActorType.USER, "id", name), "192.0.2.1", name)) as uow:
            uow.record(Named(organization_id="o", name=name))
    return entries(log)


def test_csv_has_a_record_for_each_event_and_marks_what_a_spreadsheet_would_compute(nasty: list[Entry]) -> None:
    content = b"".join(csv_lines(nasty))
    assert content.startswith(b",".join(name.encode() for name in COLUMNS) + b"\r\n")
    records = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert len(records) == len(NASTY)
    for record, name, entry in zip(records, NASTY, nasty, strict=True):
        shown = name.replace("\x1b", "�").replace("\x9b", "�").replace("\x00", "�")
        marked = f"'{shown}" if name.lstrip("'")[:1] in {*"=+-@\t\r\n＝"} and name else shown  # noqa: RUF001
        assert record["summary"] == record["actor_details"] == record["user_agent"] == marked
        assert record["time"] == "2026-11-23T00:00:00.000Z"
        assert record["index"] == str(entry.index)
        assert json.loads(record["data"]) == {"name": name}
        assert record["service_id"] == ""
    assert not any(cell[:1] in {*"=+-@\t\r"} for record in records for cell in record.values() if cell)
    assert b"\x1b" not in content
    assert "\x9b" not in content.decode()


def test_ndjson_has_each_event_as_it_was_recorded(nasty: list[Entry]) -> None:
    lines = list(ndjson_lines(nasty))
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    for line, entry in zip(lines, nasty, strict=True):
        assert json.loads(line) == {**entry.event(), "index": entry.index}
        leaf = b"{" + line.rstrip(b"\n").partition(b",")[2]
        assert tree.leaf_hash(leaf) == entry.leaf_hash


def test_file_ends_with_the_record_of_the_export_and_nothing_later(
    log: AuditLog, nasty: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PART_ENTRIES", 4)
    monkeypatch.setattr(exports, "PART_BYTES", 1000)
    actor = Context(Actor(ActorType.USER, "id", "ann@example.com"))
    with log.unit_of_work(actor) as uow:
        record_export(uow, QUERY, kind=Format.NDJSON)
    pieces = parts(log.database, QUERY, kind=Format.NDJSON)
    first = next(pieces)
    with log.unit_of_work(actor) as uow:  # nothing is held open: a writer gets in, and truncates the write-ahead log
        uow.record(Named(organization_id="o", name="later"))
    rest = list(pieces)
    assert rest
    events = [json.loads(line) for line in b"".join([first, *rest]).splitlines()]
    assert [event["index"] for event in events] == list(range(len(NASTY) + 1))
    assert (events[-1]["code"], events[-1]["data"]) == ("audit_log.export", {"filters": {}, "format": "ndjson"})


def test_record_of_an_export_names_what_was_asked_for(log: AuditLog) -> None:
    query = AuditQuery(organization_id="o", code="service.", since=datetime(2026, 1, 1, tzinfo=UTC))
    with log.unit_of_work(Context(Actor(ActorType.USER, "id"))) as uow:
        record_export(uow, query, kind=Format.CSV)
    (entry,) = entries(log)
    assert entry.event()["data"] == {
        "format": "csv",
        "filters": {"code": "service.", "since": "2026-01-01T00:00:00.000Z"},
    }
    assert entry.event()["summary"] == (
        "The audit log was exported as csv where code 'service.', since '2026-01-01T00:00:00.000Z'."
    )
    assert b"".join(parts(log.database, query, kind=Format.CSV)).count(b"\r\n") == 1  # its header
    assert list(parts(log.database, query, kind=Format.NDJSON)) == []


def test_no_connection_is_held_between_pieces(
    log: AuditLog, nasty: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PART_BYTES", 1)
    pieces = parts(log.database, QUERY, kind=Format.CSV)
    next(pieces)
    assert log.database._reads.pool.checkedout() == 0  # type: ignore[attr-defined]
    del pieces  # a reader who goes away leaves nothing behind either


def test_file_has_a_name_that_tells_when() -> None:
    assert file_name(Format.CSV, datetime(2026, 11, 23, 12, 5, tzinfo=UTC)) == "audit-log-20261123T120500Z.csv"
