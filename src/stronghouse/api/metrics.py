"""What the derived states are as metrics, and what they were: `/v1/organizations/{organization}/responsibilities/…`."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Moment, in_utc
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.canonical import MAX_EXACT_INTEGER
from stronghouse.kernel.clock import rfc3339
from stronghouse.plane.parts import ControlPlane
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.history import store
from stronghouse.responsibility.history.trend import trend
from stronghouse.responsibility.matrix import responsibility_matrix
from stronghouse.responsibility.metrics import CONTENT_TYPE, open_findings, render_metrics

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/responsibilities")


@router.get("/metrics")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_metrics(request: Request, organization_id: str) -> Response:
    """The derived states in Prometheus' text format."""
    plane: ControlPlane = request.app.state.plane
    now = plane.clock.now()
    with plane.database.read() as connection:
        document = responsibility_matrix(
            connection,
            catalogue=plane.catalogue,
            organization_id=organization_id,
            regions=[region.id for region in find_regions(connection)],
            now=now,
        )
        findings = open_findings(connection, organization_id)
    text = render_metrics(document, seconds=plane.check_runs.runner.seconds(), findings=findings, now=now)
    headers = {"x-request-id": request.state.request_id, "cache-control": "no-store", "content-type": CONTENT_TYPE}
    return Response(text, headers=headers)


@router.get("/history")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_history(
    request: Request,
    organization_id: str,
    row: Annotated[str | None, Query(max_length=80)] = None,
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Annotated[Moment, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=0, le=MAX_EXACT_INTEGER)] = None,
) -> Response:
    """Changes of state, newest first, within [from, to); go on with `before` = the last one's index."""
    plane: ControlPlane = request.app.state.plane
    checks = [] if row is None else [check.meta.id for check in plane.catalogue.checks_of_row(row)]
    with plane.database.read() as connection:
        found = store.page(
            connection,
            organization_id=organization_id,
            row=row,
            checks=checks,
            since=in_utc(since),
            until=in_utc(until),
            before=before,
            limit=limit,
        )
    return success(request, [_view(change) for change in found])


@router.get("/trend")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_trend(request: Request, organization_id: str, days: Annotated[int, Query(ge=1, le=400)] = 90) -> Response:
    """For each day how many rows were in which state, and how many controls were proven."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = trend(connection, organization_id=organization_id, days=days, now=plane.clock.now())
    return success(request, found)


def _view(change: store.Transition) -> dict[str, object]:
    return {
        "index": change.id,
        "kind": change.kind,
        "subject": change.subject,
        "state": change.state,
        "previousState": change.previous,
        "reason": change.reason,
        "since": rfc3339(change.since),
    }
