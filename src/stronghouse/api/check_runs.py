"""`/v1/organizations/{organization}/checkRuns`: checks run now, by hand. Ours, not the Cloud's."""

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import failure, success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.responsibility.runs import RunsExhausted

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/checkRuns")


class CheckRunPost(Body):
    """What to run: the checks of a row, one check, or all when neither is named."""

    row: str | None = Field(default=None, max_length=80)
    check: str | None = Field(default=None, max_length=80)


@router.post("")
@access(Permission.CHECKS_RUN)
def start_check_run(request: Request, organization_id: str, body: CheckRunPost) -> Response:
    """Ask for a run; what this organization asked for already and is not over is answered with that run."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    if body.row is not None and body.check is not None:
        raise Invalid("Name a row or a check, not both.", code="scope_invalid")
    try:
        run = plane.check_runs.start(
            caller.context, organization_id=organization_id, row_id=body.row, check_id=body.check
        )
    except RunsExhausted as error:
        headers = {"retry-after": str(error.retry_after)}
        return failure(request, status=429, error=f"TOO_MANY_REQUESTS: {error.public}", headers=headers)
    return success(request, run.to_json())


@router.get("/{run_id}")
@access(Permission.CHECKS_RUN)
def get_check_run(request: Request, organization_id: str, run_id: str) -> Response:
    """How far a run is, look by look."""
    plane: ControlPlane = request.app.state.plane
    run = plane.check_runs.find(parse_uuid(run_id), organization_id=organization_id)
    return success(request, run.to_json())
