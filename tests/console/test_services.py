"""The list of services, the page of one, and who is connected to it."""

import dataclasses
import html
import re
from typing import Any

import pytest

from stronghouse.access.roles.system import DEVELOPER, MEMBER
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.ids import new_id
from stronghouse.services import store
from stronghouse.services.connecting import Connection, snippets
from stronghouse.services.model import Service, ServiceState, Wanted
from tests.console.conftest import OURS, Enter, Visitor
from tests.support.console_services import (
    connected,
    found,
    make_service,
)
from tests.support.control_plane import Plane

MARK = "<script>alert(1)</script>"
OWN = {"x-sh-client-ip": "203.0.113.9"}
FROM_HERE = {**OURS, **OWN}


@pytest.fixture
def organization(plane: Plane) -> str:
    return plane.organization()


def many(plane: Plane, template: Service, count: int) -> None:
    """More services than one page shows, as if other regions had them."""
    with plane.control.audit.bookkeeping("a test's services") as connection:
        for number in range(count):
            copy = dataclasses.replace(template, id=new_id(), name=f"more {number:03}", slot=1000 + number)
            store.insert_service(connection, copy)


def test_an_empty_list_leads_to_creating_the_first(enter: Enter, organization: str) -> None:
    page = enter(organization).get("/services")
    assert ("No services yet" in page, 'href="/services/new"' in page, 'role="search"' in page) == (True, True, False)


def test_the_list_shows_state_region_address_and_who_may_connect(plane: Plane, enter: Enter, organization: str) -> None:
    make_service(plane, organization, "alone")
    make_service(plane, organization, "Open", "0.0.0.0/0 everyone", state=ServiceState.IDLE)
    make_service(plane, organization, f"b {MARK}", "203.0.113.0/24 office", "::1", state=ServiceState.STOPPED)
    page = enter(organization).get("/services")
    rows = [re.sub(r"<[^>]+>|\s+", " ", row).split() for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", page)]
    assert [row[0] for row in rows] == ["alone", "b", "Open"]  # by name, whatever the case of letters
    assert [" ".join(row[-5:-3]) for row in rows] == [
        "https://localhost:8444 nobody",
        "2 entries",
        "https://localhost:8445 everyone",
    ]
    assert ("<script>alert" in page, f"<bdi>b {html.escape(MARK)}</bdi>" in page) == (False, True)
    assert [f'href="/services?state={state}"' in page for state in ("running", "idle", "stopped", "failed")] == [
        True,
        True,
        True,
        False,
    ]


def test_the_list_is_filtered_by_the_address_of_the_page(plane: Plane, enter: Enter, organization: str) -> None:
    orders = make_service(plane, organization, "orders 100%")
    make_service(plane, organization, "events", state=ServiceState.IDLE)
    ada = enter(organization)
    for query, shown in (
        ("q=ORD", {"orders 100%"}),
        ("q=%25", {"orders 100%"}),
        (f"q={orders.id}", {"orders 100%"}),
        ("state=idle", {"events"}),
        ("region=local", {"orders 100%", "events"}),
        ("region=nowhere", set()),
        ("q=orders&state=idle", set()),
    ):
        page = ada.get(f"/services?{query}")
        assert set(re.findall(r"<bdi>(orders 100%|events)</bdi></a></th>", page)) == shown, query
        assert ("Nothing matches" in page) == (not shown)
    assert 'value="ORD"' in ada.get("/services?q=ORD")
    assert '<option value="idle" selected>' in ada.get("/services?state=idle")
    assert "<h1>" in ada.get("/services?state=molten", 400)


def test_fifty_are_on_a_page_and_the_next_page_goes_on(plane: Plane, enter: Enter, organization: str) -> None:
    many(plane, make_service(plane, organization, "a & b"), 60)
    ada = enter(organization)
    first = ada.get("/services?q=mo&region=local")
    assert first.count('<th scope="row">') == 50
    (address,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = ada.get(html.unescape(address))
    assert [f"more {number:03}" in second for number in (49, 50, 59)] == [False, True, True]
    assert ('rel="next"' in second, 'rel="prev" href="/services?q=mo&amp;region=local"' in second) == (False, True)
    assert second.count('<th scope="row">') == 10


def test_nobody_sees_the_services_of_another_organization(plane: Plane, enter: Enter, organization: str) -> None:
    theirs = make_service(plane, plane.organization("Other"), "theirs", state=ServiceState.IDLE)
    ada = enter(organization)
    before = ada.events()
    assert "theirs" not in ada.get("/services")
    for path in ("", "/connections", "/access"):
        ada.get(f"/services/{theirs.id}{path}", 404)
    for path in ("state", "rename", "password", "delete", "access"):
        data = {
            "command": "start",
            "typed": "theirs",
            "name": "mine",
            "form_id": "1",
            "entries": "::/0",
            "step": "apply",
        }
        ada.post(f"/services/{theirs.id}/{path}", 404, data=data)
    assert (ada.events(), found(plane, theirs)) == (before, theirs)


def test_the_page_shows_facts_and_programs_that_run_as_they_stand(
    plane: Plane, enter: Enter, organization: str
) -> None:
    service = make_service(
        plane,
        organization,
        f"s {MARK}",
        *(f"203.0.113.{number} <i>n{number}</i>" for number in range(12)),
        state=ServiceState.FAILED,
        reason=f"It ended {MARK}.",
        engine_version="26.1.2.3",
        key_id="local:3f2a",
    )
    page = enter(organization).get(f"/services/{service.id}", headers=OWN)
    assert "<script>alert" not in page
    assert f"<bdi>It ended {html.escape(MARK)}.</bdi>" in page
    for text in (
        "local:3f2a",
        "26.1.2.3",
        service.id,
        "<strong>12 entries</strong>",
        "And 2 more.",
        "&lt;i&gt;n0&lt;/i&gt;",
    ):
        assert text in page
    assert "is not on the IP access list" not in page  # 203.0.113.9 is
    ca_file = plane.control.ca_file
    for title, snippet in snippets(Connection("localhost", 8444, "default", ca_file)).items():
        (shown,) = re.findall(rf'<pre id="snippet-{title.split(" ")[0].lower()}"[^>]*>(.*?)</pre>', page, re.DOTALL)
        assert html.unescape(shown) == snippet.text
    for link in (
        "/responsibilities/platform.rest",
        "/responsibilities/console.network",
        f"/audit?service={service.id}",
    ):
        assert f'href="{link}"' in page


def test_somebody_whose_address_is_refused_is_told_before_they_try(
    plane: Plane, enter: Enter, organization: str
) -> None:
    service = make_service(plane, organization, "closed")
    page = enter(organization).get(f"/services/{service.id}", headers=OWN)
    assert "203.0.113.9, is not on the IP access list" in page
    assert "<strong>Nobody</strong>" in page


def test_the_page_does_not_wait_for_the_region_to_tell_who_is_connected(
    plane: Plane, enter: Enter, organization: str
) -> None:
    service = make_service(plane, organization)
    page = enter(organization).get(f"/services/{service.id}")
    assert plane.jobs.called == []
    assert f'hx-get="/services/{service.id}/connections" hx-trigger="load"' in page


def test_who_is_connected_is_shown_with_what_the_list_says_of_them(
    plane: Plane, enter: Enter, organization: str
) -> None:
    service = make_service(plane, organization, "orders", "203.0.113.0/24")
    path, ada = f"/services/{service.id}/connections", enter(organization)
    connected(plane, ("203.0.113.5", 3), ("2001:db8::1", 1), complete=False)
    page = ada.get(path)
    assert "4 connections from 2 addresses are open now, and from more addresses" in page
    assert re.findall(r"<code>([^<]+)</code></th>.*?(lets it in|refuses its requests)", page) == [
        ("203.0.113.5", "lets it in"),
        ("2001:db8::1", "refuses its requests"),
    ]
    connected(plane, ("203.0.113.5", 1))
    assert "1 connection from 1 address is open now." in ada.get(path)
    connected(plane)
    assert "Nobody is connected now." in ada.get(path)
    plane.jobs.answers["connections"] = Unavailable("Region local did not answer <b>.")
    assert "Who is connected is not known. Region local did not answer &lt;b&gt;." in ada.get(path)


def test_acts_are_shown_by_state_and_to_those_who_may(plane: Plane, enter: Enter, organization: str) -> None:
    services = {
        state: make_service(plane, organization, str(state), state=state)
        for state in (ServiceState.RUNNING, ServiceState.IDLE, ServiceState.STOPPED)
    }
    gone = make_service(plane, organization, "gone", state=ServiceState.TERMINATING, wanted=Wanted.DELETED)
    shown = ('value="awake"', 'value="start"', '<dialog id="stop"', '<dialog id="delete"', "/rename", "/password")

    def acts(visitor: Visitor, service: Service) -> list[bool]:
        page = visitor.get(f"/services/{service.id}").partition("<main")[2]
        return [f'action="/services/{service.id}{act}"' in page if act[0] == "/" else act in page for act in shown]

    ada = enter(organization)
    assert acts(ada, services[ServiceState.RUNNING]) == [False, False, True, False, True, True]
    assert acts(ada, services[ServiceState.IDLE]) == [True, False, True, True, True, True]
    assert acts(ada, services[ServiceState.STOPPED]) == [False, True, False, True, True, True]
    assert acts(ada, gone) == [False] * 6
    dev = enter(organization, DEVELOPER, email="dev@example.com")
    assert acts(dev, services[ServiceState.IDLE]) == [True, False, True, False, True, True]
    page = dev.get(f"/services/{services[ServiceState.IDLE].id}")
    assert "control-plane:service:delete, which the role Admin or Service admin gives" in page
    assert "/audit?service=" not in page
    enter(organization, MEMBER, email="member@example.com").get("/services", 403)


def test_the_list_of_a_thousand_services_reads_one_page_of_them(
    plane: Plane, enter: Enter, organization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(plane, make_service(plane, organization), 1000)
    ada = enter(organization)
    read: list[str] = []
    row = store._service

    def counted(one: Any) -> Service:
        read.append(one.name)
        return row(one)

    monkeypatch.setattr(store, "_service", counted)
    assert "All 1001" in ada.get("/services")
    assert len(read) == 51
