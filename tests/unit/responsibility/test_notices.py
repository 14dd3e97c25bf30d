"""What findings and documents tell: once for each thing that happens, and never the name of a resource."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stronghouse.notifications.model import Kind, Notice
from stronghouse.responsibility.documents.requests import load_requests
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.model import UNRESOLVED
from stronghouse.responsibility.model import Severity
from stronghouse.responsibility.notices import DocumentNotices, FindingNotices
from tests.support.control_plane import NOW, Plane, control_plane

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as plane:
        yield plane


def put(plane: Plane, organization_id: str) -> None:
    fields = {
        "id": "ab" * 32,
        "organization_id": organization_id,
        "source": "check",
        "source_id": "x",
        "resource": "role/customers-own-name",
        "place": "region/local",
        "severity": Severity.HIGH.value,
        "title": "Files are encrypted",
        "reason": "customers-own-name is not",
        "remediation": "Encrypt them.",
        "status": UNRESOLVED[0].value,
        "first_seen_at": NOW,
        "opened_at": NOW,
        "last_seen_at": NOW,
        "reopened": 0,
        "due_at": NOW + 30 * DAY,
    }
    with plane.control.audit.bookkeeping("a test") as connection:
        connection.execute(store.finding.insert().values(**fields))


def told(plane: Plane, source: FindingNotices | DocumentNotices, organization_id: str, days: int) -> list[Notice]:
    """What is told when somebody asks every day, from an hour before NOW."""
    found: list[Notice] = []
    since = NOW - HOUR
    with plane.control.database.read() as connection:
        for day in range(days):
            now = NOW + day * DAY
            found += source.notices(connection, organization_id, since, now)
            since = now
    return found


def test_finding_is_told_when_it_is_opened_and_when_it_is_overdue(plane: Plane) -> None:
    mine, theirs = plane.organization(), plane.organization("Other")
    put(plane, mine)
    notices = told(plane, FindingNotices(), mine, 60)
    assert [notice.title for notice in notices] == [
        "Finding abababababab is new",
        "Finding abababababab is overdue",
    ]
    assert [notice.at for notice in notices] == [NOW, NOW + 30 * DAY]
    assert "customers-own-name" not in str(notices)
    assert told(plane, FindingNotices(), theirs, 60) == []


def test_missing_document_is_told_when_it_is_due_and_then_weekly(plane: Plane) -> None:
    operator = plane.organization()
    plane.clock.advance(timedelta(seconds=1))
    other = plane.organization("Other")
    source = DocumentNotices(load_requests(plane.control.catalogue.responsibilities))
    notices = told(plane, source, operator, 22)
    assert notices
    by_key: dict[str, list[Notice]] = {}
    for notice in notices:
        by_key.setdefault(notice.key, []).append(notice)
    assert {len(found) for found in by_key.values()} == {4}
    assert "documents/overdue" in by_key  # so many at once are one thing to tell
    assert {notice.kind for notice in notices} == {Kind.DOCUMENT}
    assert len(told(plane, source, other, 22)) < len(notices)  # what concerns the installation is the operator's


def test_of_more_findings_than_are_told_the_gravest_are(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = plane.organization()
    put(plane, mine)
    with plane.control.audit.bookkeeping("a test") as connection:
        row = connection.execute(store.finding.select()).one()._asdict()
        later = {"id": "cd" * 32, "severity": Severity.CRITICAL.value, "opened_at": NOW + HOUR}
        connection.execute(store.finding.insert().values(**{**row, **later}))
    monkeypatch.setattr("stronghouse.responsibility.notices.MOST", 1)
    with plane.control.database.read() as connection:
        (only,) = FindingNotices().notices(connection, mine, NOW - HOUR, NOW + HOUR)
    assert only.level.value == "critical"
