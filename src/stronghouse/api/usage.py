"""`/v1/organizations/{organization}/usageCost`: what use costs, which is nothing here.

There are no prices and no credits, so there is no record of a cost and the sum is zero. What a service uses is told by
its metrics (`/prometheus`), not by money.
"""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.errors import Invalid

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/usageCost")

LONGEST = timedelta(days=30)
"""How far apart the first and the last day may be, as in the Cloud."""


@router.get("")
@access(Permission.ORGANIZATION_VIEW)
def get_usage_cost(
    request: Request,
    organization_id: str,  # noqa: ARG001 - was checked
    from_date: Annotated[date, Query()],
    to_date: Annotated[date, Query()],
) -> Response:
    """The costs of some days, of which there are none."""
    if not timedelta(0) <= to_date - from_date <= LONGEST:
        raise Invalid("to_date is from_date or at most 30 days after it.", code="date_invalid")
    if request.query_params.getlist("filter"):
        raise Invalid("Filters by tag are not supported by this version; leave filter out.", code="unsupported")
    return success(request, {"grandTotalCHC": 0, "costs": []})
