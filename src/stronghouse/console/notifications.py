"""Notification channels: add one, send it a test message, remove it."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.state import Field, Text, Visit, visit
from stronghouse.kernel.errors import StronghouseError
from stronghouse.kernel.ids import parse_uuid
from stronghouse.kernel.secret import Secret
from stronghouse.notifications import store
from stronghouse.notifications.actions import ChannelRequest
from stronghouse.notifications.model import Level, Mode

router = APIRouter(prefix="/notifications")


@router.get("")
def list_page(request: Request) -> Response:
    """The channels and how their last delivery went."""
    return _page(visit(request, Permission.NOTIFICATIONS_MANAGE))


@router.post("")
def add(
    request: Request,
    name: Field,
    url: Text,
    severity: Annotated[Level, Form()] = Level.LOW,
    mode: Annotated[Mode, Form()] = Mode.IMMEDIATE,
) -> Response:
    """Add a channel."""
    visitor = visit(request, Permission.NOTIFICATIONS_MANAGE)
    wanted = ChannelRequest(name=name, url=Secret(url), minimum_severity=severity, mode=mode)
    try:
        visitor.plane.channels.add(
            visitor.context, wanted, organization_id=visitor.organization_id, now=visitor.plane.clock.now()
        )
    except StronghouseError as error:
        return _page(visitor, problem=error.public, status=400)
    return RedirectResponse("/notifications", status_code=303)


@router.post("/{channel_id}/test")
def test(request: Request, channel_id: str) -> Response:
    """Send one message now."""
    visitor = visit(request, Permission.NOTIFICATIONS_MANAGE)
    try:
        problem = visitor.plane.channels.test(
            visitor.context,
            organization_id=visitor.organization_id,
            channel_id=parse_uuid(channel_id),
            now=visitor.plane.clock.now(),
        )
    except StronghouseError as error:
        if error.kind == "not_found":
            raise
        problem = error.public
    if problem is not None:
        return _page(visitor, problem=problem, status=400)
    return RedirectResponse("/notifications", status_code=303)


@router.post("/{channel_id}/remove")
def remove(request: Request, channel_id: str) -> Response:
    """Remove a channel with its address."""
    visitor = visit(request, Permission.NOTIFICATIONS_MANAGE)
    visitor.plane.channels.remove(
        visitor.context, organization_id=visitor.organization_id, channel_id=parse_uuid(channel_id)
    )
    return RedirectResponse("/notifications", status_code=303)


def _page(visitor: Visit, *, problem: str | None = None, status: int = 200) -> Response:
    with visitor.plane.database.read() as connection:
        channels = store.of_organization(connection, visitor.organization_id)
    return visitor.page(
        "notifications.html", status=status, channels=channels, problem=problem, levels=[*Level], modes=[*Mode]
    )
