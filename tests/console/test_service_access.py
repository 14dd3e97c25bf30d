"""The editor of a service's IP access list: the difference first, no stale list, no lock-out unawares."""

import html
import json
import re
import shlex

import pytest

from stronghouse.access.model import Source
from stronghouse.access.roles.system import MEMBER
from stronghouse.kernel.errors import Unavailable
from stronghouse.services import actions
from stronghouse.services.access_preview import list_version
from stronghouse.services.model import Service, Wanted
from stronghouse.services.requests import ServiceChange
from tests.console.conftest import OURS, Enter, Visitor
from tests.support.console_services import connected, events_about, found, make_service
from tests.support.control_plane import CONTEXT, Plane

MARK = "<script>alert(1)</script>"
OWN = {"x-sh-client-ip": "203.0.113.9"}
FROM_HERE = {**OURS, **OWN}


@pytest.fixture
def service(plane: Plane) -> Service:
    connected(plane)
    return make_service(plane, plane.organization(), "orders", "203.0.113.0/24 office", "198.51.100.7 home")


def send(visitor: Visitor, service: Service, entries: str, status: int = 200, **fields: str) -> str:
    data = {"step": "preview", "entries": entries, **fields}
    return visitor.post(f"/services/{service.id}/access", status, data=data, headers=FROM_HERE)


def apply_form(page: str) -> dict[str, str]:
    """What the form that applies a shown difference carries."""
    (form,) = [one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'name="version"' in one]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {"step": "apply", **{name: html.unescape(value) for name, value in fields.items()}}


def differences(page: str, part: str = "preview") -> list[tuple[str, str]]:
    """Kind and text of each line of a difference."""
    (section,) = re.findall(rf'<section class="card" id="{part}">.*?</section>', page, re.DOTALL)
    found = re.findall(r'<li class="(\w+)"><b>\w+</b> (.*?)</li>', section)
    return [(kind, html.unescape(re.sub(r"<[^>]+>", "", text))) for kind, text in found]


def test_the_editor_begins_with_the_list_as_it_is(plane: Plane, enter: Enter, service: Service) -> None:
    page = enter(service.organization_id).get(f"/services/{service.id}/access", headers=OWN)
    (text,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert text == "203.0.113.0/24 office\n198.51.100.7 home\n"
    assert "You come from <code>203.0.113.9</code>" in page
    assert "What this would change" not in page
    assert plane.jobs.called == []


def test_the_difference_is_shown_and_nothing_is_done(plane: Plane, enter: Enter, service: Service) -> None:
    connected(plane, ("198.51.100.7", 2), ("192.0.2.1", 5), ("203.0.113.9", 1))
    ada = enter(service.organization_id)
    before = ada.events()
    page = send(ada, service, f"203.0.113.0/24 head office {MARK}\n2001:db8::/32 lab\n")
    assert differences(page) == [
        ("added", "2001:db8::/32 lab"),
        ("removed", "198.51.100.7 home"),
        ("changed", f"203.0.113.0/24 head office {MARK}, was office"),
    ]
    assert "<script>alert" not in page
    assert "Apply: 1 added, 1 removed, 1 described anew</button>" in page
    assert "<code>198.51.100.7</code>, 2 connections" in page
    assert "192.0.2.1" not in page  # was not let in before either
    assert ("This locks you out" in page, "opens the service" in page, "Nobody could" in page) == (False, False, False)
    assert (ada.events(), found(plane, service)) == (before, service)


def test_what_was_shown_is_applied_and_recorded(plane: Plane, enter: Enter, service: Service) -> None:
    ada = enter(service.organization_id)
    page = send(ada, service, '203.0.113.0/24 office\n2001:db8::/32 "lab" & more\n')
    answer = ada.send(f"/services/{service.id}/access", data=apply_form(page), headers=FROM_HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/services/{service.id}?done=access")
    assert found(plane, service).ip_access == (
        Source("203.0.113.0/24", "office"),
        Source("2001:db8::/32", '"lab" & more'),
    )
    ((code, data),) = events_about(plane, service.id)
    assert (code, data["before"]) == ("service.ip_access_change", ["203.0.113.0/24 office", "198.51.100.7 home"])
    assert plane.jobs.notified == ["local"]
    assert "IP access list is on its way" in ada.get(f"/services/{service.id}?done=access")


def test_a_list_changed_by_somebody_else_is_refused_with_their_change(
    plane: Plane, enter: Enter, service: Service
) -> None:
    ada = enter(service.organization_id)
    form = apply_form(send(ada, service, "203.0.113.0/24 office\n192.0.2.4 mine\n"))
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        change = ServiceChange(add_ip_access=(Source("2001:db8::7", "theirs"),), remove_ip_access=("198.51.100.7",))
        actions.update_service(uow, change, organization_id=service.organization_id, service_id=service.id)
    refused = send(ada, service, **form, status=409)
    assert "has been changed meanwhile" in refused
    assert differences(refused, "meanwhile") == [("added", "2001:db8::7 theirs"), ("removed", "198.51.100.7 home")]
    assert differences(refused) == [("added", "192.0.2.4 mine"), ("removed", "2001:db8::7 theirs")]
    assert len(events_about(plane, service.id)) == 1
    again = apply_form(refused)
    assert again["version"] == list_version(found(plane, service).ip_access)
    send(ada, service, **again, status=303)
    assert [entry.source for entry in found(plane, service).ip_access] == ["203.0.113.0/24", "192.0.2.4"]


@pytest.mark.parametrize("base", ["", "no list"])
def test_a_stale_form_that_tells_nothing_of_what_it_saw_is_refused_all_the_same(
    plane: Plane, enter: Enter, service: Service, base: str
) -> None:
    refused = send(enter(service.organization_id), service, "203.0.113.0/24", 409, step="apply", version="0", base=base)
    assert "has been changed meanwhile" in refused
    assert found(plane, service) == service


def test_a_lock_out_is_refused_with_the_reason_unless_the_name_is_typed(
    plane: Plane, enter: Enter, service: Service
) -> None:
    ada = enter(service.organization_id)
    page = send(ada, service, "198.51.100.7 home\n")
    assert "This locks you out" in page
    assert "<code>203.0.113.9</code>, which may connect now" in page
    form = apply_form(page)
    refused = send(ada, service, **form, status=409)
    assert "would lock out 203.0.113.9, the address that you come from" in refused
    wrong = send(ada, service, **{**form, "typed": "Orders"}, status=409)
    assert "is not the service&#39;s name" in wrong
    assert differences(wrong) == differences(page)
    assert (events_about(plane, service.id), found(plane, service)) == ([], service)
    send(ada, service, **{**form, "typed": "orders"}, status=303)
    assert [entry.source for entry in found(plane, service).ip_access] == ["198.51.100.7"]


def test_an_accepted_lock_out_is_no_leave_to_overwrite(plane: Plane, enter: Enter, service: Service) -> None:
    form = {"step": "apply", "version": "0" * 64, "typed": "orders"}
    assert "changed meanwhile" in send(enter(service.organization_id), service, "::1", 409, **form)
    assert found(plane, service) == service


def test_ones_own_address_is_kept_with_one_button(plane: Plane, enter: Enter, service: Service) -> None:
    ada = enter(service.organization_id)
    page = send(ada, service, "198.51.100.7 home\n")
    (kept,) = re.findall(r'name="entries" value="([^"]*203\.0\.113\.9[^"]*)"', page)
    page = send(ada, service, html.unescape(kept))
    assert "This locks you out" not in page
    assert differences(page) == [("added", "203.0.113.9 added to keep access"), ("removed", "203.0.113.0/24 office")]


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ("", "Nobody could connect any more"),
        ("0.0.0.0/1\n128.0.0.0/1", "opens the service to everyone"),
        ("203.0.113.0/24 office\n198.51.100.7 home", "the list says so already"),
    ],
)
def test_what_deserves_a_second_look_is_said(
    plane: Plane, enter: Enter, service: Service, entries: str, sentence: str
) -> None:
    page = send(enter(service.organization_id), service, entries)
    assert sentence in page
    assert ('name="version"' in page) == ("already" not in sentence)


def test_who_is_cut_off_may_be_unknown(plane: Plane, enter: Enter, service: Service) -> None:
    plane.jobs.answers["connections"] = Unavailable("Region local is away.")
    page = send(enter(service.organization_id), service, "203.0.113.0/24 office")
    assert "Region local is away. So it cannot be said whom this cuts off." in page
    assert "Apply: 1 removed" in page


@pytest.mark.parametrize("step", ["preview", "apply"])
@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ("::1\nnonsense", "Line 2: 'nonsense' is not an IP address"),
        ("203.0.113.9/24 office", "Write 203.0.113.0/24 for the whole block"),
        (f"::1 {'x' * 300}", "Line 1: A description in an IP access list has at most 256 characters."),
    ],
)
def test_a_wrong_line_is_named_and_the_text_is_kept(
    plane: Plane, enter: Enter, service: Service, step: str, entries: str, sentence: str
) -> None:
    page = send(enter(service.organization_id), service, entries, 400, step=step)
    assert sentence in html.unescape(page)
    assert f"\n{entries}</textarea>" in html.unescape(page)
    assert 'aria-describedby="problem entries-hint" aria-invalid="true"' in page
    assert (found(plane, service), plane.jobs.called) == (service, [])


def test_the_command_and_the_call_say_the_same_change(plane: Plane, enter: Enter, service: Service) -> None:
    page = send(enter(service.organization_id), service, "203.0.113.0/24 it's <ours>\n2001:db8::/32\n")
    cli, curl = (
        html.unescape(re.findall(rf'<pre id="{kind}-apply"[^>]*>(.*?)</pre>', page, re.DOTALL)[0])
        for kind in ("cli", "curl")
    )
    assert shlex.split(cli) == [
        *["stronghouse", "service", "update", service.id, "--add-ip", "2001:db8::/32"],
        *["--add-ip", "203.0.113.0/24=it's <ours>", "--remove-ip", "198.51.100.7"],
    ]
    body = json.loads(shlex.split(curl.replace("\\\n", "").split("-d ")[1])[0])
    answer = plane.call(
        "PATCH",
        f"/organizations/{service.organization_id}/services/{service.id}",
        plane.admin(service.organization_id),
        json=body,
    )
    assert answer.status_code == 200
    assert {(entry.source, entry.description) for entry in found(plane, service).ip_access} == {
        ("203.0.113.0/24", "it's <ours>"),
        ("2001:db8::/32", ""),
    }


def test_a_long_change_is_not_written_out_as_one_command(enter: Enter, service: Service) -> None:
    page = send(enter(service.organization_id), service, "\n".join(f"203.0.113.{number}" for number in range(60)))
    assert ("cli-apply" in page, "Apply: 60 added, 2 removed" in page) == (False, True)


def test_a_list_too_long_for_a_form_is_shown_and_left_to_the_command_line(
    plane: Plane, enter: Enter, service: Service
) -> None:
    lines = [f"2001:db8::{number:x} {'x' * 200}" for number in range(250)]
    long = make_service(plane, service.organization_id, "long", *lines)
    page = enter(service.organization_id).get(f"/services/{long.id}/access")
    assert ("too long for a form" in page, "<textarea" in page, lines[-1] in page) == (True, False, True)


def test_the_list_of_a_service_that_is_being_deleted_is_only_shown(
    plane: Plane, enter: Enter, service: Service
) -> None:
    gone = make_service(plane, service.organization_id, "gone", wanted=Wanted.DELETED)
    ada = enter(service.organization_id)
    assert "<textarea" not in ada.get(f"/services/{gone.id}/access")
    form = {"step": "apply", "version": list_version(gone.ip_access)}
    assert "is being deleted" in send(ada, gone, "::1", 409, **form)


def test_the_list_takes_permissions(plane: Plane, enter: Enter, service: Service) -> None:
    member = enter(service.organization_id, MEMBER)
    member.get(f"/services/{service.id}/access", 403)
    send(member, service, "::1", 403, step="apply", version=list_version(service.ip_access))
    assert found(plane, service) == service
