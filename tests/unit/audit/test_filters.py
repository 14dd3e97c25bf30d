"""Filters come from URLs and command lines: each is checked, and written back as it was meant."""

from datetime import UTC, datetime

import pytest

from stronghouse.audit.event import Outcome
from stronghouse.audit.filters import NAMES, AuditQuery, query_from, texts_of
from stronghouse.kernel.errors import Invalid

SERVICE = "8b7e7b7e-0000-4000-8000-00000000000a"
ALL = {
    "code": "service.",
    "serviceId": SERVICE,
    "actor": "stronghouse",
    "outcome": "denied",
    "address": "2001:db8::1",
    "text": "a=b & c",
    "since": "2026-01-01T00:00:00.000Z",
    "until": "2026-01-31T00:00:00.000Z",
}


def test_query_is_written_as_it_is_read() -> None:
    query = query_from("o", ALL)
    assert query == AuditQuery(
        organization_id="o",
        code="service.",
        service_id=SERVICE,
        actor="stronghouse",
        outcome=Outcome.DENIED,
        address="2001:db8::1",
        text="a=b & c",
        since=datetime(2026, 1, 1, tzinfo=UTC),
        until=datetime(2026, 1, 31, tzinfo=UTC),
    )
    assert texts_of(query) == ALL
    assert set(ALL) == set(NAMES)


def test_empty_fields_of_a_form_ask_for_nothing() -> None:
    assert query_from("o", dict.fromkeys(NAMES, " ") | {"code": "", "other": "x"}) == AuditQuery(organization_id="o")
    assert query_from("o", dict.fromkeys(NAMES)) == AuditQuery(organization_id="o")
    assert texts_of(AuditQuery(organization_id="o")) == {}


def test_values_are_brought_to_the_form_that_the_log_has() -> None:
    query = query_from(
        "o", {"serviceId": SERVICE.upper(), "address": "2001:DB8:0::1", "since": "2026-01-01T02:00+02:00"}
    )
    assert (query.service_id, query.address, query.since) == (SERVICE, "2001:db8::1", datetime(2026, 1, 1, tzinfo=UTC))


def test_day_as_an_end_includes_the_whole_day() -> None:
    query = query_from("o", {"since": "2026-01-31", "until": "2026-01-31"})
    assert query.since == datetime(2026, 1, 31, tzinfo=UTC)
    assert query.until == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("code", "service.*"),
        ("code", "Service"),
        ("code", "."),
        ("code", "a" * 500),
        ("serviceId", "analytics"),
        ("actor", "a\nb"),
        ("actor", "a" * 65),
        ("outcome", "ok"),
        ("address", "192.0.2.0/24"),
        ("address", "here"),
        ("text", "x" * 201),
        ("since", "yesterday"),
        ("since", "0001-01-01T00:00:00+23:59"),
        ("until", "9999-12-31"),
        ("until", "2026-01-01T00:00:00Z" + " " * 30 + "x"),
    ],
)
def test_what_has_another_form_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(Invalid, match=f"^{name} "):
        query_from("o", {name: text})


def test_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid, match="earlier"):
        query_from("o", {"since": "2026-02-01", "until": "2026-01-01"})
