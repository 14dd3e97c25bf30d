"""Why somebody may or may not do something: which role and which policy of it decides."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.access.roles import explanation
from stronghouse.access.roles.explanation import Explanation
from stronghouse.access.roles.store import holders
from stronghouse.console import role_commands
from stronghouse.console.form_errors import problems_of, status_of
from stronghouse.console.role_forms import places
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.errors import Invalid, NotFound, StronghouseError
from stronghouse.services import store as services

router = APIRouter(prefix="/access")


@router.get("")
def explain_page(
    request: Request,
    who: Annotated[str, Query(max_length=320)] = "",
    permission: Annotated[str, Query(max_length=100)] = "",
    resource: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The question, and its answer once it is asked."""
    visitor = visit(request, Permission.ROLES_MANAGE)
    answer: Explanation | None = None
    refusal: StronghouseError | None = None
    if who and permission:
        try:
            answer = _explained(visitor, who, permission, resource)
        except (Invalid, NotFound) as error:
            refusal = error
    with visitor.plane.database.read() as connection:
        everyone = holders(connection, visitor.organization_id)
    return visitor.page(
        "access.html",
        status=200 if refusal is None else 404 if isinstance(refusal, NotFound) else status_of(refusal),
        answer=answer,
        problems={} if refusal is None else problems_of(refusal),
        who=who,
        permission=permission,
        resource=resource,
        holders=everyone,
        permissions=list(Permission),
        services=[one for one in places(visitor) if one.scope == "service"][1:],
        command=role_commands.explanation(
            visitor.equivalents, who or "grace@example.com", permission or Permission.SERVICE_VIEW.value, resource
        ),
    )


def _explained(visitor: Visit, who: str, permission: str, resource: str) -> Explanation:
    with visitor.plane.database.read() as connection:
        return explanation.explain(
            connection,
            organization_id=visitor.organization_id,
            who=who,
            permission=permission,
            resource=resource or None,
            services=services.names(connection, organization_id=visitor.organization_id),
        )
