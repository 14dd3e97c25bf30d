"""The matrix as home, and each row with its controls, checks and results."""

from datetime import timedelta
from typing import Annotated, Any, cast

from fastapi import APIRouter, Form, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access import store as access
from stronghouse.access.permissions import Permission
from stronghouse.console import matrix
from stronghouse.console.navigation import first_page
from stronghouse.console.state import Visit, visit
from stronghouse.console.trend import DAYS, bars
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.findings import accountable
from stronghouse.responsibility.history import store as history
from stronghouse.responsibility.history.trend import trend
from stronghouse.responsibility.matrix import responsibility_matrix

SHOWN_PROBLEMS, SHOWN_CHANGES = 20, 50
Word = Annotated[str, Query(max_length=64)]
router = APIRouter()


@router.get("/")
def home(request: Request, state: Word = "", owner: Word = "", q: Word = "") -> Response:
    """The responsibility matrix, whole or in part; who may not see it is sent on to the first page that they may."""
    visitor = visit(request, None)
    if not visitor.may(Permission.RESPONSIBILITIES_VIEW):
        return RedirectResponse(first_page(visitor.navigation), status_code=303)
    document = _matrix(visitor)
    rows = document["rows"]
    with visitor.plane.database.read() as connection:
        days = trend(connection, organization_id=visitor.organization_id, days=DAYS, now=visitor.plane.clock.now())
    wanted = matrix.Wanted(state or None, owner or None, q)
    return visitor.page(
        "home.html",
        document=document,
        titles={check.meta.id: check.meta.title for check in visitor.plane.catalogue.checks.values()},
        groups=matrix.groups(rows, wanted),
        tally=matrix.tally(rows),
        wanted=wanted,
        owners=matrix.OWNERS,
        bars=bars(cast("list[dict[str, Any]]", days)),
        summary=matrix.summary(rows),
        may_run=visitor.may(Permission.CHECKS_RUN),
    )


@router.get("/responsibilities/{row_id}")
def row_page(request: Request, row_id: str) -> Response:
    """One row: why it is as it is, how to mend it, who answers for it, and how it was."""
    return _row_page(visit(request), row_id)


@router.post("/responsibilities/{row_id}/accountable")
def set_accountable(request: Request, row_id: str, member: Annotated[str, Form(max_length=320)] = "") -> Response:
    """Name the member who answers for a row, or nobody."""
    visitor = visit(request, Permission.RESPONSIBILITIES_MANAGE)
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            accountable.set_accountable(
                uow,
                visitor.plane.catalogue,
                organization_id=visitor.organization_id,
                row_id=row_id,
                member=member or None,
            )
    except Invalid as error:
        return _row_page(visitor, row_id, problem=error.public, status=400)
    return RedirectResponse(f"/responsibilities/{row_id}", status_code=303)


def _row_page(visitor: Visit, row_id: str, *, problem: str | None = None, status: int = 200) -> Response:
    found = [row for row in _matrix(visitor)["rows"] if row["id"] == row_id]
    if not found:
        raise NotFound("There is no such responsibility.")
    plane, now = visitor.plane, visitor.plane.clock.now()
    may_name = visitor.may(Permission.RESPONSIBILITIES_MANAGE)
    with plane.database.read() as connection:
        changes = history.page(
            connection,
            organization_id=visitor.organization_id,
            row=row_id,
            since=now - timedelta(days=DAYS),
            until=None,
            before=None,
            checks=[check.meta.id for check in plane.catalogue.checks_of_row(row_id)],
            limit=SHOWN_CHANGES,
        )
        members = _members(connection, visitor) if may_name else []
    problems = matrix.problems(found[0])
    return visitor.page(
        "row.html",
        status=status,
        row=found[0],
        problems=problems[:SHOWN_PROBLEMS],
        hidden=max(0, len(problems) - SHOWN_PROBLEMS),
        changes=changes,
        members=members,
        may_run=visitor.may(Permission.CHECKS_RUN),
        may_name=may_name,
        problem=problem,
    )


def _members(connection: Connection, visitor: Visit) -> list[tuple[str, str]]:
    """User id and name of each member, by name."""
    members = access.every_membership(connection, now=visitor.plane.clock.now())
    users = [one.user for one in members if one.organization_id == visitor.organization_id]
    return [(user.id, f"{user.name} ({user.email})") for user in sorted(users, key=lambda user: user.name.lower())]


def _matrix(visitor: Visit) -> dict[str, Any]:
    plane = visitor.plane
    with plane.database.read() as connection:
        document = responsibility_matrix(
            connection,
            catalogue=plane.catalogue,
            organization_id=visitor.organization_id,
            regions=[region.id for region in find_regions(connection)],
            now=plane.clock.now(),
        )
    return cast("dict[str, Any]", document)
