"""`/v1/organizations/{organization}/advisories` and `…/components`: the feed, and what it is compared with. Ours."""

import base64
import binascii
import hashlib
import tempfile
from typing import IO, Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid
from stronghouse.organizations.operator import is_operator, require_operator
from stronghouse.plane.parts import ControlPlane
from stronghouse.responsibility.component_listing import component_views, feed_view, key_view, position
from stronghouse.vulnerabilities import actions, store
from stronghouse.vulnerabilities.actions import Provenance
from stronghouse.vulnerabilities.clickhouse import engine_list
from stronghouse.vulnerabilities.manifest import MAX_MANIFEST_BYTES
from stronghouse.vulnerabilities.osv import read_feed

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")
MANIFEST = "stronghouse-manifest"
"""The header that carries the manifest, a signed note in base64."""


class KeyPost(Body):
    """A key whose feeds are to be believed."""

    verifierKey: str  # noqa: N815 - the wire's names


@router.get("/advisories")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_advisories(request: Request, organization_id: str) -> Response:
    """The imported feed, the keys that are trusted to sign one, and the engine's own list."""
    plane: ControlPlane = request.app.state.plane
    listed = engine_list()
    engine: dict[str, Json] = {"knownOn": listed.known_on.isoformat(), "advisories": len(listed.advisories)}
    with plane.database.read() as connection:
        state = store.feed_state(connection)
        keys = store.keys(connection)
        may_change = is_operator(connection, organization_id)
    return success(
        request,
        {
            "feed": None if state is None else feed_view(state, now=plane.clock.now()),
            "trustedKeys": [key_view(key) for key in keys],
            "engineList": engine,
            "operator": may_change,
        },
    )


@router.put("/advisories")
@access(Permission.ADVISORIES_MANAGE)
async def import_advisories(
    request: Request,
    organization_id: str,
    unsigned: bool = False,  # noqa: FBT001, FBT002 - a parameter of the query
    source: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Import a feed, which is the body: an OSV zip, one entry, or one a line. It takes the place of the former one."""
    plane: ControlPlane = request.app.state.plane
    await run_in_threadpool(_require_operator, plane, organization_id)
    manifest = _manifest(request)
    if (manifest is None) is not unsigned:
        raise Invalid(
            "Send the feed's signed manifest, or say `unsigned` to take it without one; not both.", code="feed_unsigned"
        )
    digest = hashlib.sha256()
    # In the state directory, where there is room; it has no name, so nothing is left of one that is cut off.
    with tempfile.TemporaryFile(dir=plane.ca_file.parent) as file:
        async for part in request.stream():
            digest.update(part)
            await run_in_threadpool(file.write, part)
        provenance = Provenance(sha256=digest.hexdigest(), manifest=manifest, source=source)
        result = await run_in_threadpool(_import, request, organization_id, file, provenance)
    return success(request, result)


@router.post("/advisories/trustedKeys")
@access(Permission.ADVISORIES_MANAGE)
def trust_key(request: Request, organization_id: str, body: KeyPost) -> Response:
    """Believe the feeds that this key signs."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        key = actions.trust_key(uow, body.verifierKey, organization_id=organization_id, now=plane.clock.now())
    return success(request, key_view(key))


@router.delete("/advisories/trustedKeys/{key_id}")
@access(Permission.ADVISORIES_MANAGE)
def remove_key(request: Request, organization_id: str, key_id: str) -> Response:
    """Believe the feeds that this key signs no longer."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        actions.remove_key(uow, key_id.lower()[:64], organization_id=organization_id)
    return success(request)


@router.get("/components")
@access(Permission.RESPONSIBILITIES_VIEW)
def list_components(
    request: Request,
    organization_id: str,  # noqa: ARG001 - the path's; the installation's components are the same for everyone
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=5000)] = None,
) -> Response:
    """What runs in each place, in which version, and the advisories that affect it, as of the newest look."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = component_views(connection)
    rest = [one for one in found if cursor is None or position(one) > cursor]
    shown = rest[:limit]
    more = {"nextCursor": position(shown[-1])} if len(rest) > limit else None
    return success(request, shown, extra=more)


def _require_operator(plane: ControlPlane, organization_id: str) -> None:
    with plane.database.read() as connection:
        require_operator(connection, organization_id)


def _manifest(request: Request) -> str | None:
    """Raises Invalid when there is one that cannot be read."""
    encoded = request.headers.get(MANIFEST)
    if encoded is None:
        return None
    try:
        note = base64.b64decode(encoded[: MAX_MANIFEST_BYTES * 2], validate=True).decode()
    except (ValueError, binascii.Error):
        note = None
    if not note or len(note) > MAX_MANIFEST_BYTES:
        raise Invalid("The manifest is a signed note of at most 16 kB, in base64.", code="manifest_malformed")
    return note


def _import(request: Request, organization_id: str, file: IO[bytes], provenance: Provenance) -> dict[str, Json]:
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    found = read_feed(file, now=plane.clock.now())  # outside the transaction: nobody waits for it to be read
    with plane.audit.unit_of_work(caller.context) as uow:
        actions.import_feed(uow, found, provenance, organization_id=organization_id, now=plane.clock.now())
        state = store.feed_state(uow.connection)
    names: list[Json] = [*found.unreadable_names]
    return {**(feed_view(state, now=plane.clock.now()) if state else {}), "unreadableNames": names}
