"""`/v1/organizations/{organization}/activities`: the audit log in the Cloud API's words."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.audit import store
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/activities")

MAX_ACTIVITIES = 10_000  # the Cloud API has no paging here; narrower dates show older ones
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@router.get("")
@access(Permission.ACTIVITIES_VIEW)
def list_activities(
    request: Request,
    organization_id: str,
    from_date: Annotated[str | None, Query(max_length=40)] = None,
    to_date: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Activities, newest first. Dates are RFC 3339 times or bare dates, of which the last includes its whole day."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        entries = store.page(
            connection,
            organization_id=organization_id,
            limit=MAX_ACTIVITIES,
            activities_only=True,
            since=_moment("from_date", from_date),
            until=_moment("to_date", to_date, end=True),
        )
    return success(request, [view(entry) for entry in entries])


@router.get("/{activity_id}")
@access(Permission.ACTIVITIES_VIEW)
def get_activity(request: Request, organization_id: str, activity_id: str) -> Response:
    """One activity."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        entry = store.find(connection, organization_id=organization_id, event_id=activity_id[:64])
    if entry is None or entry.activity is None:
        raise NotFound("There is no such activity.")
    return success(request, view(entry))


def view(entry: store.Entry) -> dict[str, Json]:
    """An entry as an Activity; the enum of types is the Cloud's, so that clients can parse every one."""
    event = entry.event()
    actor, data = event["actor"], event["data"]
    assert isinstance(actor, dict)  # noqa: S101 - written by the unit of work
    assert isinstance(data, dict)  # noqa: S101
    shown: dict[str, Json] = {
        "id": entry.event_id,
        "createdAt": event["time"],
        "type": entry.activity,
        "actorType": actor["type"],
        "actorId": actor["id"],
        "actorDetails": actor["details"],
        "organizationId": entry.organization_id,
    }
    optional = {"actorIpAddress": event["address"], "serviceId": entry.service_id, "userAgent": event["user_agent"]}
    if entry.activity == "openapi_key_update":
        optional |= {"targetKeyId": data["key_id"], "keyUpdateType": data["change"]}
    return shown | {name: value for name, value in optional.items() if value is not None}


def _moment(name: str, text: str | None, *, end: bool = False) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{name} is a date (2026-01-31) or an RFC 3339 time.", code="date_invalid") from None
    try:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        return moment + timedelta(days=1) if end and DATE.fullmatch(text) else moment
    except OverflowError:
        raise Invalid(f"{name} is out of range.", code="date_invalid") from None
