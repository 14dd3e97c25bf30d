"""Notification channels: add one, send it a test message, remove it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.state import Field, Password, Text, Visit, visit
from stronghouse.kernel.ids import parse_uuid
from stronghouse.kernel.secret import Secret
from stronghouse.notifications import store
from stronghouse.notifications.actions import MAX_CHANNELS, ChannelRequest
from stronghouse.notifications.model import Level, Mode

router = APIRouter(prefix="/notifications")
Word = Annotated[str, Query(max_length=64)]
DONE = {
    "added": "The channel is told of what happens from now on. Test it.",
    "tested": "The test message was accepted. Look whether it arrived.",
    "removed": "The channel was removed with its address.",
}
"""What was done, by the word that an act leads back with."""
BLAMED = {"name_invalid": "name", "name_taken": "name", "url_invalid": "url", "schema_refused": "url"}
"""The field that is to blame for an error."""
NOT_ACCEPTED = 400
"""The status of a page that says why a test message was not accepted."""


@dataclass(frozen=True)
class Asked:
    """What the form holds. The address is a secret, which no page shows again."""

    name: str = ""
    severity: Level = Level.LOW
    mode: Mode = Mode.IMMEDIATE


@router.get("")
def list_page(request: Request, done: Word = "") -> Response:
    """The channels and how their last delivery went."""
    return _page(visit(request, Permission.NOTIFICATIONS_MANAGE), done=done)


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
    except REFUSALS as error:
        problems = {BLAMED.get(error.code, ""): error.public}
        return _page(visitor, problems=problems, status=status_of(error), asked=Asked(name, severity, mode))
    return RedirectResponse("/notifications?done=added", status_code=303)


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
    except REFUSALS as error:
        return _page(visitor, problems={"": error.public}, status=status_of(error))
    if problem is not None:
        told = f"The test message was not accepted: {problem}"
        return _page(visitor, problems={"": told}, status=NOT_ACCEPTED)
    return RedirectResponse("/notifications?done=tested", status_code=303)


@router.post("/{channel_id}/remove")
def remove(request: Request, channel_id: str, current_password: Password = "") -> Response:
    """Remove a channel with its address: nobody is told of anything by it any more."""
    visitor = visit(request, Permission.NOTIFICATIONS_MANAGE)
    try:
        visitor.prove(current_password)
    except REFUSALS as error:
        return _page(visitor, problems=problems_of(error), status=status_of(error))
    visitor.plane.channels.remove(
        visitor.context, organization_id=visitor.organization_id, channel_id=parse_uuid(channel_id)
    )
    return RedirectResponse("/notifications?done=removed", status_code=303)


def _page(
    visitor: Visit,
    *,
    done: str = "",
    problems: Mapping[str, str] | None = None,
    status: int = 200,
    asked: Asked | None = None,
) -> Response:
    with visitor.plane.database.read() as connection:
        channels = store.of_organization(connection, visitor.organization_id)
    return visitor.page(
        "notifications.html",
        status=status,
        channels=channels,
        limit=MAX_CHANNELS,
        permission=Permission,
        done=DONE.get(done),
        problems=problems or {},
        asked=asked or Asked(),
        levels=[*Level],
        modes=[*Mode],
    )
