"""`/v1/organizations/{organization}/keys/{key}/rotate`, which is ours: a successor, and both work for a time."""

from datetime import timedelta

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.key_rotation import DEFAULT_OVERLAP, LONGEST_OVERLAP, rotate_key
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.store import roles_of
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, WholeNumber
from stronghouse.api.keys import HashData, hashes_of, new_view, view
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/keys/{key_id}/rotate")
MINUTE = timedelta(minutes=1)


class RotationPost(Body):
    """How long both keys work; `hashData` as when a key is made."""

    overlapMinutes: WholeNumber = Field(default=DEFAULT_OVERLAP // MINUTE, ge=1, le=LONGEST_OVERLAP // MINUTE)  # noqa: N815
    hashData: HashData | None = None  # noqa: N815


@router.post("")
@access(Permission.API_KEYS_CREATE)
def rotate(request: Request, organization_id: str, key_id: str, body: RotationPost) -> Response:
    """Make a successor; its id and secret are in this answer and nowhere else."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        done = rotate_key(
            uow,
            organization_id=organization_id,
            key_id=parse_uuid(key_id),
            overlap=MINUTE * body.overlapMinutes,
            hashes=hashes_of(body.hashData),
            editor=caller.principal,
            now=plane.clock.now(),
        )
        roles = roles_of(uow.connection, organization_id)
    return success(request, {**new_view(done.successor, roles), "predecessor": view(done.predecessor, roles)})
