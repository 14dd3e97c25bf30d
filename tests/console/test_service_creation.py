"""Creating a service: what the form explains, the password that is shown once, fields that are wrong."""

import html
import re

import pytest

from stronghouse.access.roles.system import MEMBER
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.services import actions, store
from stronghouse.services.model import SLOTS, Service
from tests.console.conftest import OURS, Enter, Visitor
from tests.support.console_services import (
    everything_recorded,
    make_service,
    password_in,
)
from tests.support.control_plane import Plane

MARK = "<script>alert(1)</script>"
OWN = {"x-sh-client-ip": "203.0.113.9"}
FROM_HERE = {**OURS, **OWN}


@pytest.fixture
def organization(plane: Plane) -> str:
    return plane.organization()


def test_the_form_of_a_new_service_lets_in_nobody_and_explains_itself(enter: Enter, organization: str) -> None:
    page = enter(organization).get("/services/new", headers=OWN)
    (listed,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert listed.strip() == ""
    assert '<option value="local" selected>local (stands for aws/us-east-1)' in page
    assert re.search(r'name="let_me_in" value="yes">Let in where I am now \(203\.0\.113\.9\)', page)
    assert "This cannot be turned off." in page
    assert 'href="/responsibilities/platform.rest"' in page


def create(ada: Visitor, status: int = 200, **fields: str) -> str:
    data = {"name": "orders", "region": "local", "sleeps": "yes", "form_id": new_id(), **fields}
    return ada.post("/services/new", status, data=data, headers=FROM_HERE)


def only_service(plane: Plane, organization: str) -> Service:
    with plane.control.database.read() as connection:
        (service,) = store.find_all(connection, organization_id=organization)
    return service


def test_a_service_is_created_and_its_password_is_shown_once(plane: Plane, enter: Enter, organization: str) -> None:
    ada = enter(organization)
    page = create(
        ada, name=f" o {MARK} ", entries="198.51.100.0/24 office\n", let_me_in="yes", idle_minutes="60", memory_gb="12"
    )
    service, password = only_service(plane, organization), password_in(page)
    assert (service.name, service.region, service.memory_gb, service.idle_timeout_minutes, service.idle_scaling) == (
        f"o {MARK}",
        "local",
        12,
        60,
        True,
    )
    assert [entry.source for entry in service.ip_access] == ["198.51.100.0/24", "203.0.113.9"]
    assert service.password_sha256 == actions.sha256_text(Secret(password))
    assert ("<script>alert" in page, "snippet-python" in page, f"/services/{service.id}" in page) == (False, True, True)
    assert ada.events()[-1] == "service.create"
    assert password not in everything_recorded(plane)
    assert plane.jobs.notified == ["local"]
    assert "Nobody may connect yet" not in page


def test_a_reloaded_page_makes_no_second_service(plane: Plane, enter: Enter, organization: str) -> None:
    ada = enter(organization)
    assert "Nobody may connect yet" in create(ada, form_id="one")
    again = create(ada, 409, form_id="one")
    assert "sent already" in again
    assert only_service(plane, organization).idle_scaling


def test_an_address_that_the_list_holds_already_is_not_put_there_twice(
    plane: Plane, enter: Enter, organization: str
) -> None:
    create(enter(organization), entries="203.0.113.0/24 office", let_me_in="yes")
    assert [entry.source for entry in only_service(plane, organization).ip_access] == ["203.0.113.0/24"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "1 to 50 printable"),
        ("region", "nowhere", "There is no region"),
        ("entries", "10.0.0.1/8 x", "Line 1: 10.0.0.1/8 names an address inside a block"),
        ("idle_minutes", "a while", "Give a whole number from"),
        ("idle_minutes", "1", "Give a whole number from 5 to 10080."),
        ("memory_gb", "9", "steps of 4"),
        ("memory_gb", "\u0663\u0662", "Give a whole number from"),
    ],
)
def test_a_wrong_field_is_named_and_the_others_are_kept(
    plane: Plane, enter: Enter, organization: str, field: str, value: str, sentence: str
) -> None:
    ada = enter(organization)
    before = ada.events()
    page = create(ada, 400, **{"name": "kept name", "entries": "::1 kept", "let_me_in": "yes", field: value})
    assert sentence in html.unescape(page)
    (blamed,) = re.findall(r'<(?:input|select|textarea) id="(\w+)"[^>]*aria-invalid="true"', page)
    assert blamed == field
    kept = {"name": 'value="kept name"', "entries": "::1 kept</textarea>"}
    assert [text in page for name, text in kept.items() if name != field] == [True] * len(kept.keys() - {field})
    assert ('name="let_me_in" value="yes" checked' in page, ada.events()) == (True, before)


def test_all_wrong_fields_are_named_at_once(enter: Enter, organization: str) -> None:
    page = create(enter(organization), 400, name="", entries="x", memory_gb="9", idle_minutes="no")
    assert "4 things are not right yet" in page
    assert re.findall(r'<li><a href="#(\w+)">', page) == ["name", "entries", "memory_gb", "idle_minutes"]


def test_a_region_without_a_free_port_says_so(plane: Plane, enter: Enter, organization: str) -> None:
    for number in range(SLOTS):
        make_service(plane, organization, f"s{number}")
    page = create(enter(organization), 409)
    assert "has a port for 21 services" in page
    assert 'value="orders"' in page


def test_creating_takes_the_permission(plane: Plane, enter: Enter, organization: str) -> None:
    member = enter(organization, MEMBER)
    member.get("/services/new", 403)
    create(member, 403)
    with plane.control.database.read() as connection:
        assert store.find_all(connection, organization_id=organization) == []
