"""The audit log's pages: found by filters in the address, one event with its proof, and all of it as a file."""

import csv
import html
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from stronghouse.access import store as access
from stronghouse.access.roles.system import DEVELOPER
from stronghouse.audit import query, store
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import Actor, ActorType, Context
from stronghouse.console import audit_filters
from stronghouse.responsibility.events import EvidenceRecorded
from stronghouse.services import actions
from stronghouse.services.events import ServiceDestroyed, ServiceIpAccessChanged, ServiceRenamed, ServiceStateReported
from stronghouse.services.requests import ServiceRequest
from tests.console.conftest import OURS, Enter, Visitor, assert_only_our_scripts
from tests.support.control_plane import CONTEXT
from tests.support.many_events import fill
from tests.unit.responsibility.findings.looks import Scene

MARK = "<b onmouseover=alert(1)>\N{RIGHT-TO-LEFT OVERRIDE}x</b>"
ELSEWHERE = Context(
    Actor(ActorType.API_KEY, "0b1c2d3e-0000-4000-8000-000000000001", MARK), "203.0.113.9", f"curl {MARK}"
)
GONE = "0b1c2d3e-0000-4000-8000-000000000002"


@pytest.fixture
def ada(enter: Enter, scene: Scene) -> Visitor:
    return enter(scene.operator)


def record(visitor: Visitor, *events: Any, context: Context = ELSEWHERE) -> None:
    with visitor.plane.control.audit.unit_of_work(context) as uow:
        for event in events:
            uow.record(event)


def make_service(visitor: Visitor, organization_id: str, name: str) -> str:
    plane = visitor.plane
    request = ServiceRequest(name=name, region="local")
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        made = actions.create_service(uow, request, organization_id=organization_id, now=plane.clock.now())
    return made.service.id


def entry_of(visitor: Visitor, code: str) -> store.Entry:
    """The newest event with this code."""
    with visitor.plane.control.database.read() as connection:
        return list(store.entries_of(connection, [code]))[-1]


def codes(page: str) -> list[str]:
    """Codes of the events in the list, as they are shown."""
    return re.findall(r'<code class="hint">([a-z_.]+)</code>', page)


def link(page: str, words: str) -> str:
    """Where the link with these words leads."""
    (found,) = re.findall(rf'href="([^"]+)"[^>]*>{re.escape(words)}</a>', page)
    return html.unescape(found)


def test_the_list_has_the_newest_first_and_tells_who_did_what_from_where(ada: Visitor, scene: Scene) -> None:
    service = make_service(ada, scene.operator, "analytics")
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=service, before="analytics", after="sales"))
    page = ada.get("/audit")
    assert codes(page)[:2] == ["service.rename", "service.create"]
    row = page[page.index("service.rename</code>") :].partition("</tr>")[0]
    assert "203.0.113.9" in row
    assert f'<a href="/services/{service}"><bdi>analytics</bdi></a>' in row
    assert 'class="state success"' in row
    assert f'href="/audit/{entry_of(ada, "service.rename").event_id}"' in page
    assert "stronghouse audit list" in page
    assert f"/v1/organizations/{scene.operator}/auditLog" in page
    assert 'rel="next"' not in page


def test_names_with_markup_are_shown_as_they_are(ada: Visitor, scene: Scene) -> None:
    changed = ServiceIpAccessChanged(
        organization_id=scene.operator, service_id=GONE, before=[MARK], after=[MARK, f"2001:db8::/32 {MARK}"]
    )
    destroyed = ServiceDestroyed(organization_id=scene.operator, service_id=GONE, name=MARK)
    record(ada, changed, destroyed)
    for page in (ada.get("/audit"), ada.get("/audit", params={"q": MARK}), ada.get(event_path(ada, changed.code))):
        assert_only_our_scripts(page)
        assert MARK not in page
        assert f"<bdi>{html.escape(MARK, quote=False)}" in page.replace("&#34;", '"')


def event_path(visitor: Visitor, code: str) -> str:
    return f"/audit/{entry_of(visitor, code).event_id}"


def test_filters_stand_in_the_address_and_each_can_be_taken_off(ada: Visitor, scene: Scene) -> None:
    service = make_service(ada, scene.operator, "analytics")
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=service, before="analytics", after="sales"))
    assert set(codes(ada.get("/audit?code=service."))) == {"service.create", "service.rename"}
    assert codes(ada.get(f"/audit?service={service}&outcome=success")) == ["service.rename", "service.create"]
    assert codes(ada.get("/audit?address=203.0.113.9")) == ["service.rename"]
    assert codes(ada.get(f"/audit?actor={ELSEWHERE.actor.id}")) == ["service.rename"]
    assert set(codes(ada.get("/audit?since=2026-11-23&until=2026-11-23"))) > {"service.create"}
    page = ada.get(f"/audit?q=SALES&code=service.&service={service}")
    assert codes(page) == ["service.rename"]
    assert f'<option value="{service}" selected>analytics</option>' in page
    assert '<option value="service." selected>' in page
    without = [html.unescape(one) for one in re.findall(r'<li><a href="([^"]+)" aria-label="Remove', page)]
    assert without == [
        f"/audit?code=service.&service={service}",
        f"/audit?q=SALES&service={service}",
        "/audit?q=SALES&code=service.",
    ]
    assert "--text SALES --code service. --service" in page
    assert "/auditLog?text=SALES&amp;code=service.&amp;serviceId=" in page
    assert "Clear all" in page
    assert "Clear all" not in ada.get("/audit")


def test_empty_fields_of_the_form_do_not_stay_in_the_address(ada: Visitor) -> None:
    answer = ada.client.get("/audit?q=x&code=&actor=&service=&outcome=&address=&since=&until=&before=9")
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit?q=x&before=9")


@pytest.mark.parametrize(
    ("asked", "field", "sentence"),
    [
        ("address=nonsense", "address", "Address is one IP address"),
        ("since=someday", "since", "Since is a date"),
        ("until=someday", "until", "Until is a date"),
        ("since=2026-11-24&until=2026-11-22", "since", "Since is earlier than until"),
        ("outcome=great", "outcome", "Outcome is one of"),
        ("code=%3Cb%3E", "code", "Code is an event"),
        ("service=x", "service", "ServiceId is"),
        (f"q={'x' * 201}", "q", "Text has at most 200"),
        (f"actor={'x' * 65}", "actor", "Actor is an actor"),
    ],
)
def test_a_filter_that_cannot_be_is_said_at_its_field_and_kept(
    ada: Visitor, asked: str, field: str, sentence: str
) -> None:
    page = ada.get(f"/audit?{asked}", 400)
    assert sentence in page
    assert f'name="{field}"' in page
    assert re.search(rf'name="{field}"[^>]* aria-invalid="true" aria-describedby="problem"', page)
    assert page.count("aria-invalid") == 1
    assert "<table" not in page
    assert "Export" not in page
    if field == "address":
        assert 'value="nonsense"' in page


@pytest.mark.parametrize("asked", ["nonsense=1", "before=x", "before=-1", "before=1&after=1", f"code={'x' * 300}"])
def test_an_address_of_the_wrong_shape_gets_a_sentence(ada: Visitor, asked: str) -> None:
    assert 'role="alert"' in ada.get(f"/audit?{asked}", 400)


def test_pages_lead_both_ways_and_keep_the_filters(ada: Visitor, scene: Scene) -> None:
    for number in range(120):
        record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="a", after=f"n{number}"))
    names = re.compile(r"renamed to &#39;(n\d+)&#39;")
    first = ada.get("/audit?code=service.rename")
    assert names.findall(first)[:1] == ["n119"]
    assert "50 events, newest first" in first
    second = ada.get(link(first, "Older"))
    assert names.findall(second)[:1] == ["n69"]
    assert "code=service.rename" in link(second, "Newer")
    third = ada.get(link(second, "Older"))
    assert names.findall(third) == [f"n{number}" for number in range(19, -1, -1)]
    assert 'rel="next"' not in third
    assert names.findall(ada.get(link(third, "Newer"))) == names.findall(second)
    assert names.findall(ada.get(link(third, "To the newest"))) == names.findall(first)
    nothing = ada.get("/audit?code=service.rename&before=0")
    assert "nothing more on this side" in nothing


def test_nothing_matches_is_said_with_a_way_out(ada: Visitor) -> None:
    page = ada.get("/audit?q=nowhere")
    assert "No event passes all of these filters." in page
    assert link(page[page.index("Nothing matches") :], "Clear all") == "/audit"
    assert "<table" not in page


def test_a_search_that_stopped_early_says_how_far_it_came_and_goes_on(
    ada: Visitor, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "CANDIDATES", 100)
    plane = ada.plane
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="a", after="needle"))
    fill(plane.control.database, scene.operator, 250, until=plane.clock.now() + timedelta(days=1))
    page = ada.get("/audit?q=needle")
    looks = 1
    while "Nothing there matches." in page:
        assert "Only a part of the log was searched, back to events from" in page
        page = ada.get(link(page, "Search further"))
        looks += 1
    assert (looks, codes(page)) == (3, ["service.rename"])


def test_services_that_are_gone_are_listed_by_their_last_name(ada: Visitor, scene: Scene) -> None:
    record(ada, ServiceDestroyed(organization_id=scene.operator, service_id=GONE, name="old"))
    page = ada.get(f"/audit?service={GONE}")
    assert f'<optgroup label="Deleted"><option value="{GONE}" selected>old</option>' in page
    assert f'href="/services/{GONE}"' not in page
    assert '<bdi>old</bdi> <span class="hint">(deleted)' in page


def test_a_menu_with_very_many_names_is_cut_but_holds_what_is_chosen(ada: Visitor, scene: Scene) -> None:
    plane = ada.plane
    seen = fill(plane.control.database, scene.operator, 2500, until=plane.clock.now(), actors=250)
    last = max((details, one) for _, one, details in seen.actors if details != "Stronghouse")
    page = ada.get("/audit")
    assert page.count("@example.com</option>") == audit_filters.LISTED
    assert "The menus hold the first 200 names." in page
    assert f">{last[0]}</option>" not in page
    assert f'<option value="{last[1]}" selected>{last[0]}</option>' in ada.get(f"/audit?actor={last[1]}")


def test_the_head_says_what_is_signed_and_notices_what_does_not_fit(ada: Visitor) -> None:
    with ada.plane.control.database.read() as connection:
        size = store.size(connection)
    page = ada.get("/audit")
    assert f"covers all {size} entries" in page
    assert "stronghouse audit verify" in page
    signer, ada.plane.control.audit.signer = ada.plane.control.audit.signer, Ed25519Signer("test.log", bytes(32))
    page = ada.get("/audit")
    assert "no valid signature" in page
    assert "covers all" not in page
    ada.plane.control.audit.signer = signer
    with ada.plane.control.database.write() as connection:
        connection.execute(update(store.audit_node).where(store.audit_node.c.index == 0).values(hash=bytes(32)))
    assert "The log is not what its newest signed checkpoint covers." in ada.get("/audit")


def test_what_came_since_is_counted_for_the_page_that_is_open(ada: Visitor, scene: Scene) -> None:
    page = ada.get("/audit?code=service.")
    (address,) = re.findall(r'hx-get="(/audit/newer[^"]+)"', page)
    address = html.unescape(address)
    assert "Nothing came since." in ada.get(address)
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="a", after="b"))
    newer = ada.get(address)
    assert "1 newer event." in newer
    assert link(newer, "Show the newest") == "/audit?code=service."
    for _ in range(100):
        record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="a", after="b"))
    assert "100 or more newer events." in ada.get(address)
    assert "/audit/newer" not in ada.get("/audit?until=2026-11-22")


def test_an_event_shows_who_from_where_and_what_changed(ada: Visitor, scene: Scene) -> None:
    service = make_service(ada, scene.operator, "analytics")
    record(
        ada,
        ServiceIpAccessChanged(
            organization_id=scene.operator,
            service_id=service,
            before=["10.0.0.0/8 office", "192.0.2.4/32 old"],
            after=["10.0.0.0/8 office", "198.51.100.0/24 new"],
        ),
    )
    entry = entry_of(ada, "service.ip_access_change")
    page = ada.get(f"/audit/{entry.event_id}")
    assert '<li class="removed"><b>removed</b> <bdi>192.0.2.4/32 old</bdi></li>' in page
    assert '<li class="added"><b>added</b> <bdi>198.51.100.0/24 new</bdi></li>' in page
    assert "1 entry stayed." in page
    event = entry.event()
    for part in (event["request_id"], "203.0.113.9", "API key", entry.leaf_hash.hex(), "stronghouse audit show"):
        assert str(part) in page
    assert link(page, "<bdi>The service analytics</bdi>") == f"/services/{service}"
    assert link(page, "All from there") == "/audit?address=203.0.113.9"
    assert html.escape(entry.body, quote=True).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page


def test_a_change_of_one_value_shows_it_before_and_after(ada: Visitor, scene: Scene) -> None:
    record(
        ada, ServiceStateReported(organization_id=scene.operator, service_id=GONE, before="idle", after="", reason=None)
    )
    page = ada.get(event_path(ada, "service.state_report"))
    assert '<li class="removed"><b>before</b> <bdi>idle</bdi></li>' in page
    assert '<li class="added"><b>after</b> <bdi>empty text</bdi></li>' in page
    assert "<dt>reason</dt><dd><bdi>nothing</bdi></dd>" in page


def test_an_event_leads_to_its_finding_its_key_and_its_evidence(ada: Visitor, scene: Scene) -> None:
    scene.look_at({scene.operator: {"file/a": "F"}})
    found = scene.id_of("file/a", scene.operator)
    assert (
        link(ada.get(event_path(ada, "finding.open")), "<bdi>The finding Something holds</bdi>") == f"/findings/{found}"
    )
    key_id, _ = ada.plane.admin(scene.operator)
    assert key_id
    made = entry_of(ada, "api_key.create")
    data: Any = made.event()["data"]
    path = f"/audit/{made.event_id}"
    assert link(ada.get(path), "<bdi>The API key test</bdi>") == f"/keys/{data['key_id']}"
    with ada.plane.control.audit.unit_of_work(CONTEXT) as uow:
        access.delete_key(uow.connection, data["key_id"])
        uow.record(ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="a", after="b"))
    assert "/keys/" not in ada.get(path)
    evidence = "e" * 64
    record(
        ada,
        EvidenceRecorded(
            organization_id=scene.operator, evidence=evidence, collector="disks", place="region/local", checks=[]
        ),
    )
    assert link(ada.get(event_path(ada, "evidence.record")), "<bdi>The evidence</bdi>") == f"/evidence/{evidence}"


def test_an_event_under_filters_leads_to_the_ones_beside_it(ada: Visitor, scene: Scene) -> None:
    for name in ("b", "c", "d"):
        record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="a", after=name))
        record(ada, ServiceDestroyed(organization_id=scene.operator, service_id=GONE, name=name))
    page = ada.get(f"{event_path(ada, 'service.rename')}?code=service.rename")
    assert 'rel="prev"' not in page
    older = ada.get(link(page, "Older event"))
    assert "renamed to &#39;c&#39;" in older
    assert "renamed to &#39;d&#39;" in ada.get(link(older, "Newer event"))
    assert link(older, "<bdi>Audit log</bdi>") == "/audit?code=service.rename"


def test_an_altered_event_is_not_shown_as_proven(ada: Visitor, scene: Scene) -> None:
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="good", after="bad"))
    entry = entry_of(ada, "service.rename")
    path = f"/audit/{entry.event_id}"
    assert "this page computed the proof just now" in ada.get(path)
    altered = replace(entry, body=entry.body.replace("bad", "fine"))
    with ada.plane.control.database.write() as connection:
        connection.execute(
            update(store.audit_entry).where(store.audit_entry.c.index == entry.index).values(body=altered.body)
        )
    page = ada.get(path)
    assert "was altered" in page
    assert "computed the proof" not in page


@pytest.mark.parametrize("column", ["outcome", "address", "code", "leaf_hash", "created_at"])
def test_a_column_that_says_something_else_than_the_leaf_is_noticed(ada: Visitor, scene: Scene, column: str) -> None:
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="good", after="bad"))
    entry = entry_of(ada, "service.rename")
    other = {"leaf_hash": bytes(32), "created_at": entry.created_at + timedelta(days=1)}.get(column, "denied")
    with ada.plane.control.database.write() as connection:
        here = store.audit_entry.c.index == entry.index
        connection.execute(update(store.audit_entry).where(here).values({column: other}))
    page = ada.get(f"/audit/{entry.event_id}")
    assert "was altered" in page
    assert "computed the proof" not in page


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", '{"summary": 7, "actor": "x", "data": {}}'])
def test_an_event_whose_bytes_are_of_none_is_told_and_breaks_no_page(ada: Visitor, scene: Scene, body: str) -> None:
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="good", after="bad"))
    entry = entry_of(ada, "service.rename")
    with ada.plane.control.database.write() as connection:
        here = store.audit_entry.c.index == entry.index
        connection.execute(update(store.audit_entry).where(here).values(body=body))
    assert "was altered" in ada.get(f"/audit/{entry.event_id}", 400)
    assert "This entry was altered." in ada.get("/audit")


def test_events_of_another_organization_are_not_there(ada: Visitor, scene: Scene) -> None:
    record(ada, ServiceRenamed(organization_id=scene.other, service_id=GONE, before="theirs", after="hidden"))
    hidden = entry_of(ada, "service.rename")
    ada.get(f"/audit/{hidden.event_id}", 404)
    ada.get("/audit/nonsense", 404)
    for page in (ada.get("/audit"), ada.get(f"/audit?service={GONE}"), ada.get("/audit/export?format=ndjson")):
        assert "theirs" not in page


def test_the_log_is_neither_seen_nor_taken_without_its_permission(enter: Enter, scene: Scene, ada: Visitor) -> None:
    event_id = entry_of(ada, "user.sign_in").event_id
    dev = enter(scene.operator, DEVELOPER, email="dev@example.com")
    before = dev.events()
    for path in ("/audit", "/audit/newer", "/audit/export", f"/audit/{event_id}"):
        assert "view-audit-log" in dev.get(path, 403)
    assert dev.events()[len(before) :] == ["access.deny"] * 4
    assert 'href="/audit"' not in dev.get("/")


def test_an_export_has_what_the_filters_let_through_and_is_recorded_first(ada: Visitor, scene: Scene) -> None:
    record(ada, ServiceRenamed(organization_id=scene.operator, service_id=GONE, before="=1+1", after="b"))
    page = ada.get("/audit?code=service.&q=renamed")
    before = ada.events()
    answer = ada.client.get(link(page, "CSV"), headers=OURS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log-20261123T120000Z.csv"'
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["code"], row["actor_details"]) == ("service.rename", MARK)
    assert json.loads(row["data"]) == {"before": "=1+1", "after": "b"}
    assert ada.events()[len(before) :] == ["audit_log.export"]
    data = entry_of(ada, "audit_log.export").event()["data"]
    assert data == {"format": "csv", "filters": {"code": "service.", "text": "renamed"}}


def test_an_export_as_ndjson_has_the_events_as_they_were_recorded_and_itself(ada: Visitor, scene: Scene) -> None:
    answer = ada.client.get(link(ada.get("/audit"), "NDJSON"), headers=OURS)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    with ada.plane.control.database.read() as connection:
        own = [one for one in store.entries(connection) if one.organization_id == scene.operator]
    assert lines == [{"index": entry.index, **entry.event()} for entry in own]
    assert (lines[-1]["code"], lines[-1]["data"]) == ("audit_log.export", {"filters": {}, "format": "ndjson"})


@pytest.mark.parametrize("asked", ["format=xml", "format=csv&nonsense=1", "address=x"])
def test_an_export_that_cannot_be_is_refused_and_not_recorded(ada: Visitor, asked: str) -> None:
    before = ada.events()
    ada.get(f"/audit/export?{asked}", 400)
    assert ada.events() == before


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_page_of_another_origin_makes_an_export(ada: Visitor, site: str) -> None:
    before = ada.events()
    assert "Another site asked" in ada.get("/audit/export", 403, headers={"sec-fetch-site": site})
    assert ada.events() == before
