"""Limits and settings on a service's page: acts reach the region, refusals keep what was typed."""

import html

import pytest

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.regions import store as regions
from stronghouse.services.model import ServiceState
from stronghouse.services.scaling import replace_schedule
from stronghouse.services.schedule import ScheduleEntry
from tests.console.conftest import Enter
from tests.support.console_services import events_about, found, make_service
from tests.support.control_plane import CONTEXT, Plane


@pytest.fixture
def organization(plane: Plane) -> str:
    return plane.organization()


def told(plane: Plane) -> dict[str, object]:
    with plane.control.database.read() as connection:
        (document,) = regions.find_desired(connection, "local")
    return dict(document.document)


def test_limits_are_changed(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path, ada = f"/services/{service.id}", enter(organization)
    done = ada.send(f"{path}/limits", data={"memory_gb": "12", "idle_minutes": "30", "sleeps": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, f"{path}?done=limits")
    page = ada.get(f"{path}?done=limits")
    assert "The new limits are on their way" in page
    assert "at most 12 GB" in page
    assert "after 30 minutes" in page
    assert (told(plane)["memory_gb"], told(plane)["idle_timeout_minutes"]) == (12, 30)
    ada.post(f"{path}/limits", data={"memory_gb": "12", "idle_minutes": "30"})
    assert told(plane)["idle_scaling"] is False
    assert [code for code, _ in events_about(plane, service.id)] == [
        "service.memory_change",
        "service.idling_change",
        "service.idling_change",
    ]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [("memory_gb", "9", "steps of 4"), ("memory_gb", "lots", "whole number"), ("idle_minutes", "1", "from 5 to")],
)
def test_a_limit_out_of_bounds_is_told_and_what_was_typed_is_kept(
    plane: Plane, enter: Enter, organization: str, field: str, value: str, sentence: str
) -> None:
    service = make_service(plane, organization)
    ada = enter(organization)
    typed = {"memory_gb": "16", "idle_minutes": "20", field: value}
    page = ada.post(f"/services/{service.id}/limits", 400, data=typed)
    assert sentence in page
    assert all(f'value="{one}"' in page for one in typed.values())
    assert (events_about(plane, service.id), found(plane, service)) == ([], service)


def test_settings_are_set_and_reset(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path, ada = f"/services/{service.id}", enter(organization)
    plane.jobs.answers["check_settings"] = None
    ada.post(f"{path}/settings", data={"setting": " max_threads ", "value": "4"})
    page = ada.get(f"{path}?done=settings")
    assert "The settings are on their way" in page
    assert "<code>max_threads</code></td><td><code>4</code>" in page
    assert told(plane)["settings"] == {"max_threads": "4"}
    ada.post(f"{path}/settings/reset", data={"setting": "max_threads"})
    assert "settings" not in told(plane)
    assert "None is set" in ada.get(path)
    assert [code for code, _ in events_about(plane, service.id)] == ["service.settings_change"] * 2


def test_a_refused_setting_is_told_and_kept(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path, ada = f"/services/{service.id}/settings", enter(organization)
    plane.jobs.answers["check_settings"] = "Cannot parse <b>it</b>."
    page = ada.post(path, 400, data={"setting": "max_block_size", "value": "<many>"})
    assert "Cannot parse <b>it</b>." in html.unescape(page)
    assert "<b>it" not in page
    assert 'value="&lt;many&gt;"' in page
    assert "There is no setting" in ada.post(path, 400, data={"setting": "none", "value": "1"})
    stopped = make_service(plane, organization, "stopped", state=ServiceState.STOPPED)
    refused = ada.post(f"/services/{stopped.id}/settings", 409, data={"setting": "max_threads", "value": "1"})
    assert "Start the service first" in refused
    assert events_about(plane, service.id) == []


def test_an_active_entry_of_the_schedule_is_told(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    entry = ScheduleEntry("1", "all <day>", (0, 1, 2, 3, 4, 5, 6), 0, 24, memory_gb=32)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        replace_schedule(uow, [entry], organization_id=organization, service_id=service.id, now=plane.clock.now())
    page = enter(organization).get(f"/services/{service.id}")
    assert "all &lt;day&gt;" in page
    assert "at most 32 GB" in page
    assert 'name="memory_gb" type="number" inputmode="numeric" min="8" max="356" step="4" value="8"' in page


def test_each_act_takes_its_permission(plane: Plane, enter: Enter, organization: str) -> None:
    service = make_service(plane, organization)
    path = f"/services/{service.id}"
    developer = enter(organization, DEVELOPER)
    page = developer.get(path)
    assert (f'action="{path}/limits"' in page, f'action="{path}/settings"' in page) == (False, True)
    developer.post(f"{path}/limits", 403, data={"memory_gb": "12", "idle_minutes": "30"})
    assert events_about(plane, service.id) == []
