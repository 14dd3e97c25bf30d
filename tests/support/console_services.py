"""Services as the tests of their pages find them, in any state, with who is connected to them."""

import dataclasses
import html
import re
from datetime import timedelta
from typing import Any

from tests.support.control_plane import CONTEXT, Plane

from stronghouse.access.model import Source
from stronghouse.audit import store as audit_store
from stronghouse.services import actions, store
from stronghouse.services.model import Service, ServiceState, Wanted
from stronghouse.services.requests import ServiceRequest


def make_service(
    plane: Plane,
    organization_id: str,
    name: str = "orders",
    *sources: str,
    state: ServiceState = ServiceState.RUNNING,
    **fields: Any,
) -> Service:
    """A service in a state; `sources` are lines of its IP access list: an address or block, a blank, what it is."""
    listed = tuple(Source(address, text) for address, _, text in (line.partition(" ") for line in sources))
    wanted = Wanted.STOPPED if state is ServiceState.STOPPED else Wanted.RUNNING
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        new = actions.create_service(
            uow, ServiceRequest(name=name, ip_access=listed), organization_id=organization_id, now=plane.clock.now()
        )
        service = dataclasses.replace(new.service, **{"state": state, "wanted": wanted, **fields})
        store.update_service(uow.connection, service)
    return service


def found(plane: Plane, service: Service) -> Service:
    """The service as it is now."""
    with plane.control.database.read() as connection:
        now = store.find(connection, organization_id=service.organization_id, service_id=service.id)
    assert now is not None
    return now


def events_about(plane: Plane, service_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Code and data of what was recorded about a service after its creation, oldest first."""
    with plane.control.database.read() as connection:
        events: list[Any] = [entry.event() for entry in audit_store.entries(connection)]
    about = [event for event in events if event.get("service_id") == service_id]
    return [(event["code"], event["data"]) for event in about if event["code"] != "service.create"]


def connected(plane: Plane, *clients: tuple[str, int], complete: bool = True) -> None:
    """Have the region tell that these addresses have so many connections open."""
    plane.jobs.answers["connections"] = {
        "taken_at": "2026-11-23T12:00:00Z",
        "complete": complete,
        "connections": [{"address": address, "connections": count} for address, count in clients],
    }


def everything_recorded(plane: Plane) -> str:
    """All that the audit log says, as text."""
    with plane.control.database.read() as connection:
        return str([entry.event() for entry in audit_store.entries(connection)])


def later(plane: Plane) -> None:
    """Wait until the last proof of who is at the browser is too old."""
    plane.clock.advance(timedelta(minutes=11))


def password_in(page: str) -> str:
    """The password that a page shows."""
    (password,) = re.findall(r'<pre id="password"[^>]*>([^<]+)</pre>', page)
    return html.unescape(str(password))


def form_id(page: str) -> str:
    """What tells a form that shows a secret from one that was sent before."""
    return str(re.findall(r'name="form_id" value="([^"]+)"', page)[0])
