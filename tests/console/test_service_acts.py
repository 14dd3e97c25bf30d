"""What is done with a service on its page: each act is recorded, each refusal is told and does nothing."""

import html

import pytest

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.kernel.secret import Secret
from stronghouse.services import actions
from stronghouse.services.model import ServiceState, Wanted
from tests.console.conftest import OURS, Enter
from tests.console.test_keys import PASSWORD, give_password
from tests.support.console_services import (
    events_about,
    everything_recorded,
    form_id,
    found,
    later,
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


def test_a_service_is_stopped_started_and_waked(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path, ada = f"/services/{service.id}", enter(organization)
    stopped = ada.send(f"{path}/state", data={"command": "stop", "typed": "orders"})
    assert (stopped.status_code, stopped.headers["location"]) == (303, f"{path}?done=stop")
    assert "The service is asked to stop." in ada.get(f"{path}?done=stop")
    assert found(plane, service).state is ServiceState.STOPPING
    ada.post(f"{path}/state", data={"command": "start"})
    idle = make_service(plane, organization, "idle", state=ServiceState.IDLE)
    ada.post(f"/services/{idle.id}/state", data={"command": "awake"})
    assert (plane.jobs.woken, plane.jobs.notified) == ([idle.id], ["local"] * 3)
    assert [code for code, _ in events_about(plane, service.id)] == ["service.stop", "service.start"]
    assert [code for code, _ in events_about(plane, idle.id)] == ["service.awake"]


def test_stopping_takes_the_name_and_a_fresh_proof(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization, f"o {MARK}")
    path, ada = f"/services/{service.id}/state", enter(organization)
    wrong = ada.post(path, 409, data={"command": "stop", "typed": "another"})
    assert "is not the service&#39;s name; nothing was done" in wrong
    assert 'value="another"' in wrong  # what was typed is kept
    assert 'hx-get="/services/' in wrong
    assert f'hx-get="{path}"' not in wrong  # the page refreshes from its own address, not from the form's
    later(plane)
    old = ada.post(path, 403, data={"command": "stop", "typed": service.name})
    assert "fresh proof" in old
    assert (events_about(plane, service.id), found(plane, service)) == ([], service)


def test_a_stopped_service_is_not_waked(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization, state=ServiceState.STOPPED)
    ada = enter(organization)
    assert "cannot be awakened" in ada.post(f"/services/{service.id}/state", 409, data={"command": "awake"})
    assert "<h1>" in ada.post(f"/services/{service.id}/state", 400, data={"command": "explode"})
    assert events_about(plane, service.id) == []


def test_a_service_is_renamed_or_told_why_not(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path, ada = f"/services/{service.id}", enter(organization)
    ada.post(f"{path}/rename", data={"name": "invoices"})
    assert "The service has its new name." in ada.get(f"{path}?done=rename")
    assert events_about(plane, service.id) == [("service.rename", {"before": "orders", "after": "invoices"})]
    refused = ada.post(f"{path}/rename", 400, data={"name": "x" * 51})
    assert ("1 to 50 printable characters" in refused, f'value="{"x" * 51}"' in refused) == (True, True)
    assert 'aria-invalid="true" aria-describedby="problem"' in refused
    assert found(plane, service).name == "invoices"


def test_what_a_page_says_is_never_text_from_its_address(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    ada = enter(organization)
    for path in (f"/services/{service.id}?done=pwned", "/services?done=pwned"):
        page = ada.get(path).partition("<main")[2]
        assert 'class="notice"' not in page


def test_a_new_password_is_shown_once_and_works(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path, ada = f"/services/{service.id}", enter(organization)
    data = {"form_id": form_id(ada.get(path))}
    page = ada.post(f"{path}/password", 200, data=data)
    password = password_in(page)
    assert found(plane, service).password_sha256 == actions.sha256_text(Secret(password))
    assert page.count(html.escape(password)) == 1
    assert "sent already" in ada.post(f"{path}/password", 409, data=data)  # the page was loaded again
    assert "sent already" in ada.post(f"{path}/password", 409)
    assert [code for code, _ in events_about(plane, service.id)] == ["service.password_reset"]
    assert password not in everything_recorded(plane)
    assert password not in ada.get(path)
    assert plane.jobs.notified == ["local"]


def test_a_new_password_takes_a_fresh_proof(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path, ada = f"/services/{service.id}", enter(organization)
    give_password(plane, ada)
    later(plane)
    page = ada.post(f"{path}/password", 403, data={"form_id": "1"})
    for field in ("password-proof", "stop-proof"):
        assert f'<input id="{field}" name="current_password" type="password"' in page
    wrong = ada.post(f"{path}/password", 403, data={"form_id": "2", "current_password": "guess guess guess"})
    assert ("The password is wrong" in wrong, "guess guess" in wrong) == (True, False)
    assert (events_about(plane, service.id), found(plane, service)) == ([], service)
    shown = ada.post(f"{path}/password", 200, data={"form_id": "3", "current_password": PASSWORD})
    assert found(plane, service).password_sha256 == actions.sha256_text(Secret(password_in(shown)))


def test_a_service_is_deleted_by_its_name(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization, "zz", state=ServiceState.STOPPED)
    path, ada = f"/services/{service.id}/delete", enter(organization)
    assert "nothing was done" in ada.post(path, 409, data={"typed": "ZZ"})
    answer = ada.send(path, data={"typed": "zz"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/services?done=delete")
    assert "its key first, then its data" in ada.get("/services?done=delete")
    assert events_about(plane, service.id) == [("service.delete", {"name": "zz"})]
    assert found(plane, service).wanted is Wanted.DELETED
    assert plane.jobs.notified == ["local"]
    for act, data in (("rename", {"name": "x"}), ("password", {"form_id": "1"}), ("state", {"command": "start"})):
        assert "is being deleted" in ada.post(f"/services/{service.id}/{act}", 409, data=data)


def test_deleting_takes_a_stopped_service_a_permission_and_a_fresh_proof(
    plane: Plane, enter: Enter, organization: str
) -> None:
    running = make_service(plane, organization, "running")
    stopped = make_service(plane, organization, "stopped", state=ServiceState.STOPPED)
    ada, dev = enter(organization), enter(organization, DEVELOPER, email="dev@example.com")
    assert "must be stopped" in ada.post(f"/services/{running.id}/delete", 409, data={"typed": "running"})
    dev.post(f"/services/{stopped.id}/delete", 403, data={"typed": "stopped"})
    later(plane)
    assert "fresh proof" in ada.post(f"/services/{stopped.id}/delete", 403, data={"typed": "stopped"})
    assert (events_about(plane, running.id), events_about(plane, stopped.id)) == ([], [])
