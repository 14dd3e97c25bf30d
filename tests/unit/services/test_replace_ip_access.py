"""Putting a whole IP access list in place of the one that was previewed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access.model import Source
from stronghouse.audit import store as audit_store
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.services import actions, store
from stronghouse.services.access_preview import list_version
from stronghouse.services.model import Service
from stronghouse.services.requests import ServiceChange, ServiceRequest
from tests.support.control_plane import CONTEXT, NOW, Plane, control_plane

OFFICE, HOME = Source("203.0.113.0/24", "office"), Source("198.51.100.7", "home")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as ready:
        yield ready


@pytest.fixture
def service(plane: Plane) -> Service:
    request, organization_id = ServiceRequest(name="demo", ip_access=(OFFICE, HOME)), plane.organization()
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        return actions.create_service(uow, request, organization_id=organization_id, now=NOW).service


def changes(plane: Plane) -> list[Any]:
    """What was recorded about access lists."""
    with plane.control.database.read() as connection:
        found = [entry for entry in audit_store.entries(connection) if entry.code == "service.ip_access_change"]
    return [entry.event()["data"] for entry in found]


def replace(
    plane: Plane,
    service: Service,
    *wanted: Source,
    version: str | None = None,
    own_address: str | None = None,
    accepted: bool = False,
) -> Service:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        return actions.replace_ip_access(
            uow,
            organization_id=service.organization_id,
            service_id=service.id,
            wanted=wanted,
            expected_version=list_version(service.ip_access) if version is None else version,
            own_address=own_address,
            lock_out_accepted=accepted,
        )


def stored(plane: Plane, service: Service) -> tuple[Source, ...]:
    with plane.control.database.read() as connection:
        found = store.find(connection, organization_id=service.organization_id, service_id=service.id)
    assert found is not None
    return found.ip_access


def test_the_new_list_is_kept_published_and_recorded(plane: Plane, service: Service) -> None:
    changed = replace(plane, service, HOME, Source("192.0.2.0/24"), Source("192.0.2.0/24", "once"))
    assert stored(plane, service) == (HOME, Source("192.0.2.0/24", "once")) == changed.ip_access
    assert changed.version > service.version
    (event,) = changes(plane)
    assert event["before"] == ["203.0.113.0/24 office", "198.51.100.7 home"]
    assert event["after"] == ["198.51.100.7 home", "192.0.2.0/24 once"]


def test_a_list_that_was_changed_after_the_preview_is_left_alone(plane: Plane, service: Service) -> None:
    replace(plane, service, OFFICE)
    with pytest.raises(Conflict) as refused:
        replace(plane, service, HOME)
    assert refused.value.code == "ip_access_stale"
    assert stored(plane, service) == (OFFICE,)


def test_sending_the_same_change_twice_changes_and_records_nothing_more(plane: Plane, service: Service) -> None:
    first = replace(plane, service, HOME)
    assert replace(plane, service, HOME) == first  # with the version of the preview, which is not the present one
    assert len(changes(plane)) == 1


def test_who_would_lock_themselves_out_is_refused_and_told(plane: Plane, service: Service) -> None:
    with pytest.raises(Conflict, match=r"lock out 203\.0\.113\.9") as refused:
        replace(plane, service, HOME, own_address="203.0.113.9")
    assert refused.value.code == "ip_access_locks_out"
    assert stored(plane, service) == (OFFICE, HOME)


def test_who_says_that_they_know_may_lock_themselves_out(plane: Plane, service: Service) -> None:
    assert replace(plane, service, HOME, own_address="203.0.113.9", accepted=True).ip_access == (HOME,)


def test_who_was_not_allowed_before_is_not_locked_out(plane: Plane, service: Service) -> None:
    assert replace(plane, service, HOME, own_address="192.0.2.9").ip_access == (HOME,)


def test_a_stale_lock_out_is_told_as_stale(plane: Plane, service: Service) -> None:
    with pytest.raises(Conflict) as refused:
        replace(plane, service, own_address="203.0.113.9", version="0" * 64)
    assert refused.value.code == "ip_access_stale"


def test_what_is_no_list_changes_nothing(plane: Plane, service: Service) -> None:
    for wanted in ([Source("office")], [Source(f"10.0.{n // 250}.{n % 250}") for n in range(1001)]):
        with pytest.raises(Invalid):
            replace(plane, service, *wanted)
    assert stored(plane, service) == (OFFICE, HOME)


def test_another_organizations_service_is_not_found(plane: Plane, service: Service) -> None:
    foreign = plane.organization("Foreign")
    with plane.control.audit.unit_of_work(CONTEXT) as uow, pytest.raises(NotFound):
        actions.replace_ip_access(
            uow,
            organization_id=foreign,
            service_id=service.id,
            wanted=(),
            expected_version=list_version(service.ip_access),
            own_address=None,
            lock_out_accepted=True,
        )


def test_a_patch_that_expects_another_list_changes_nothing_not_even_the_name(plane: Plane, service: Service) -> None:
    change = ServiceChange(name="other", remove_ip_access=(OFFICE.source,), expected_version="0" * 64)
    with plane.control.audit.unit_of_work(CONTEXT) as uow, pytest.raises(Conflict) as refused:
        actions.update_service(uow, change, organization_id=service.organization_id, service_id=service.id)
    assert refused.value.code == "ip_access_stale"
    assert stored(plane, service) == (OFFICE, HOME)
