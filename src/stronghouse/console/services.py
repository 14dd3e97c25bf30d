"""The list of services, and the page of one: how it stands, how to connect, who may, and what may be done with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from stronghouse.access.model import Source
from stronghouse.access.permissions import Permission
from stronghouse.console.form_errors import status_of
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.errors import NotFound, StronghouseError, Unavailable
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.regions import actions as regions
from stronghouse.services import store
from stronghouse.services.access_preview import AllowedAddresses
from stronghouse.services.connecting import Connection, Snippet, snippets
from stronghouse.services.connections import Connections, find_connections
from stronghouse.services.model import DELETABLE, Service, ServiceState, Wanted
from stronghouse.services.requests import (
    MAX_IDLE_MINUTES,
    MAX_MEMORY_GB,
    MEMORY_STEP_GB,
    MIN_IDLE_MINUTES,
    MIN_MEMORY_GB,
)

router = APIRouter(prefix="/services")
SHOWN = 50
ENTRIES_SHOWN = 10
LIST_DONE = {"delete": "The service is being deleted: its key first, then its data."}
DONE = {
    "start": "The service is asked to start.",
    "stop": "The service is asked to stop.",
    "awake": "The service is asked to wake up.",
    "rename": "The service has its new name.",
    "limits": "The new limits are on their way to the region; another memory limit starts the engine anew.",
    "settings": "The settings are on their way to the region; sessions that begin then have them.",
    "access": "The new IP access list is on its way to the region, which applies it within seconds.",
}
"""What a page says after an act; the address names the act, never the sentence."""
Done = Annotated[str, Query(max_length=16)]


@dataclass(frozen=True)
class Line:
    """A service in the list."""

    service: Service
    address: str
    reach: str


@dataclass(frozen=True)
class Program:
    """A program that connects to a service, and a name for it within the page."""

    id: str
    title: str
    snippet: Snippet


@dataclass(frozen=True)
class Panel:
    """How to connect to a service."""

    address: str
    username: str
    programs: list[Program]


@dataclass(frozen=True)
class Refusal:
    """An act that was refused: which, why, and what its form held, so that nobody types it again."""

    act: str
    sentence: str
    status: int
    typed: Mapping[str, str] = field(default_factory=dict)


def refusal(act: str, error: StronghouseError, **typed: str) -> Refusal:
    """What the page of a refused form says.

    Raises:
        StronghouseError: the error itself, when there is no session any more that the page could be shown to.
    """
    if error.code == "session_over":
        raise error
    return Refusal(act, error.public, status_of(error), typed)


@router.get("")
def list_page(
    request: Request,
    q: Annotated[str, Query(max_length=64)] = "",
    state: ServiceState | Literal[""] = "",
    region: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str, Query(max_length=128)] = "",
    done: Done = "",
) -> Response:
    """The services in the order of their names. `after` is the id and the name of the last one of the page before."""
    visitor = visit(request, Permission.SERVICE_VIEW)
    seen = visitor.caller.principal.rights_in(visitor.organization_id).services_with(Permission.SERVICE_VIEW)
    last_id, _, last_name = after.partition(" ")
    with visitor.plane.database.read() as connection:
        found = store.page(
            connection,
            organization_id=visitor.organization_id,
            among=seen,
            text=q.strip() or None,
            state=state or None,
            region=region or None,
            after=(last_name, last_id) if after else None,
            limit=SHOWN + 1,
        )
        counts = store.counts_by_state(connection, visitor.organization_id, among=seen)
        known = [one.id for one in regions.find_regions(connection)]
    wanted = {"q": q.strip(), "state": str(state), "region": region}
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    return visitor.page(
        "services.html",
        lines=[Line(one, _address(visitor.plane, one), reach(one.ip_access)) for one in found[:SHOWN]],
        counts=sorted(counts.items()),
        total=sum(counts.values()),
        regions=known,
        wanted=wanted,
        first=_list_address(wanted) if after else None,
        next=_list_address({**wanted, "after": f"{last.id} {last.name}"}) if last else None,
        done=LIST_DONE.get(done),
        create_permission=Permission.SERVICE_CREATE,
        audit_permission=Permission.AUDIT_LOG_VIEW,
    )


@router.get("/{service_id}")
def show_service(request: Request, service_id: str, done: Done = "") -> Response:
    """One service."""
    visitor = visit(request, Permission.SERVICE_VIEW)
    return service_page(visitor, find_service(visitor, service_id), done=DONE.get(done))


@router.get("/{service_id}/connections")
def connections_page(request: Request, service_id: str) -> Response:
    """Who is connected now: a page of its own, parts of which the service's page fetches when it is there already."""
    visitor = visit(request, Permission.SERVICE_VIEW)
    service = find_service(visitor, service_id)
    found, unknown = connected_to(visitor, service)
    allowed = AllowedAddresses(service.ip_access)
    return visitor.page(
        "service_connections.html",
        service=service,
        connections=found,
        clients=[(one, allowed.holds(one.address)) for one in (found.entries if found else ())],
        total=sum(one.connections for one in (found.entries if found else ())),
        unknown=unknown,
    )


def find_service(visitor: Visit, service_id: str) -> Service:
    """The service of the organization that is looked at; raises NotFound for anybody else's."""
    with visitor.plane.database.read() as connection:
        found = store.find(connection, organization_id=visitor.organization_id, service_id=parse_uuid(service_id))
    if found is None:
        raise NotFound("There is no such service.")
    return found


def service_page(
    visitor: Visit, service: Service, *, done: str | None = None, refused: Refusal | None = None
) -> HTMLResponse:
    """The page of a service, after an act that was done or refused too."""
    own = visitor.context.address
    return visitor.page(
        "service.html",
        status=refused.status if refused else 200,
        service=service,
        connect=connecting(visitor, service),
        reach=reach(service.ip_access),
        entries=service.ip_access[:ENTRIES_SHOWN],
        own_address=own,
        own_refused=own is not None and not AllowedAddresses(service.ip_access).holds(own),
        deleting=service.wanted is Wanted.DELETED,
        deletable=service.state in DELETABLE,
        done=done,
        refused=refused,
        typed=refused.typed if refused else {},
        memory_bounds=(MIN_MEMORY_GB, MAX_MEMORY_GB, MEMORY_STEP_GB),
        idle_bounds=(MIN_IDLE_MINUTES, MAX_IDLE_MINUTES),
        entry=next((one for one in service.schedule if one.id == service.active_entry_id), None),
        manage_permission=Permission.SERVICE_MANAGE,
        access_permission=Permission.IP_ACCESS_MANAGE,
        scaling_permission=Permission.SCALING_MANAGE,
        delete_permission=Permission.SERVICE_DELETE,
        query_permission=Permission.QUERY_ENDPOINTS_VIEW,
        audit_permission=Permission.AUDIT_LOG_VIEW,
        matrix_permission=Permission.RESPONSIBILITIES_VIEW,
    )


def connecting(visitor: Visit, service: Service) -> Panel:
    """What the panel that tells how to connect shows."""
    plane = visitor.plane
    to = Connection(plane.host, plane.service_port(service.slot), service.username, plane.ca_file)
    programs = [Program(title.partition(" ")[0].lower(), title, found) for title, found in snippets(to).items()]
    return Panel(to.url, service.username, programs)


def connected_to(visitor: Visit, service: Service) -> tuple[Connections | None, str | None]:
    """Who is connected, or why nobody can tell."""
    try:
        return find_connections(visitor.plane.jobs, service), None
    except Unavailable as error:
        return None, error.public


@lru_cache(maxsize=1024)
def reach(sources: tuple[Source, ...]) -> str:
    """Who may connect, in a few words. Kept, since a page of services may have 50,000 entries to look at."""
    if not sources:
        return "nobody"
    if AllowedAddresses(sources).wide_blocks():
        return "everyone"
    return "1 entry" if len(sources) == 1 else f"{len(sources)} entries"


def _address(plane: ControlPlane, service: Service) -> str:
    return Connection(plane.host, plane.service_port(service.slot), service.username, None).url


def _list_address(query: Mapping[str, str]) -> str:
    said = {name: value for name, value in query.items() if value}
    return f"/services?{urlencode(said)}" if said else "/services"
