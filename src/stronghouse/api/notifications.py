"""`/v1/organizations/{organization}/notificationChannels`: where notices go. Ours, not the Cloud's."""

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.ids import parse_uuid
from stronghouse.kernel.secret import Secret
from stronghouse.notifications import store
from stronghouse.notifications.actions import ChannelRequest
from stronghouse.notifications.model import Channel, Kind, Level, Mode
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/notificationChannels")


class ChannelPost(Body):
    """A new channel."""

    name: str = Field(max_length=64)
    url: str = Field(max_length=2000)
    minimumSeverity: Level = Level.LOW  # noqa: N815 - the wire's names
    kinds: list[Kind] = Field(default_factory=lambda: list(Kind), max_length=len(Kind))
    mode: Mode = Mode.IMMEDIATE


@router.get("")
@access(Permission.NOTIFICATIONS_MANAGE)
def list_channels(request: Request, organization_id: str) -> Response:
    """The organization's channels, at most 20, and how their last delivery went."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = store.of_organization(connection, organization_id)
    return success(request, [view(channel) for channel in found])


@router.post("")
@access(Permission.NOTIFICATIONS_MANAGE)
def add_channel(request: Request, organization_id: str, body: ChannelPost) -> Response:
    """Add a channel. Its URL is shown to nobody again."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    wanted = ChannelRequest(
        name=body.name,
        url=Secret(body.url),
        minimum_severity=body.minimumSeverity,
        kinds=tuple(dict.fromkeys(body.kinds)),
        mode=body.mode,
    )
    new = plane.channels.add(caller.context, wanted, organization_id=organization_id, now=plane.clock.now())
    return success(request, view(new))


@router.post("/{channel_id}/test")
@access(Permission.NOTIFICATIONS_MANAGE)
def test_channel(request: Request, organization_id: str, channel_id: str, body: Body) -> Response:  # noqa: ARG001
    """Send one message now and say how it went."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    reason = plane.channels.test(
        caller.context, organization_id=organization_id, channel_id=parse_uuid(channel_id), now=plane.clock.now()
    )
    return success(request, {"delivered": reason is None, "reason": reason})


@router.delete("/{channel_id}")
@access(Permission.NOTIFICATIONS_MANAGE)
def remove_channel(request: Request, organization_id: str, channel_id: str) -> Response:
    """Remove a channel with its URL."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    plane.channels.remove(caller.context, organization_id=organization_id, channel_id=parse_uuid(channel_id))
    return success(request)


def view(channel: Channel) -> dict[str, object]:
    """A channel as the API shows it; never its URL."""
    delivered, attempted = channel.delivered_at, channel.attempted_at
    return {
        "id": channel.id,
        "name": channel.name,
        "address": channel.address,
        "minimumSeverity": channel.minimum_severity.value,
        "kinds": [kind.value for kind in channel.kinds],
        "mode": channel.mode.value,
        "createdAt": rfc3339(channel.created_at),
        "attemptedAt": None if attempted is None else rfc3339(attempted),
        "deliveredAt": None if delivered is None else rfc3339(delivered),
        "state": channel.state,
        "error": channel.error,
    }
