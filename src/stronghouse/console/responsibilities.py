"""The matrix as home, each row with its controls, checks and results, and the evidence behind them."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Annotated, Any, cast

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access import store as access
from stronghouse.access.permissions import Permission
from stronghouse.console.state import Visit, visit
from stronghouse.console.trend import DAYS, bars
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.evidence import open_evidence
from stronghouse.responsibility.findings import accountable
from stronghouse.responsibility.history import store as history
from stronghouse.responsibility.history.trend import trend
from stronghouse.responsibility.matrix import responsibility_matrix

SHOWN_PROBLEMS, SHOWN_CHANGES = 20, 50
BAD = ("error", "stale")
SEVERITIES = ("critical", "high", "medium", "low")
STATES = (
    "fail",
    "error",
    "stale",
    "not_evidenced",
    "manual",
    "partial",
    "accepted",
    "pass",
    "not_applicable",
)
"""States of a row, the worst first."""
router = APIRouter()


@router.get("/")
def home(request: Request) -> Response:
    """The responsibility matrix, or the way to sign in."""
    visitor = visit(request)
    document = _matrix(visitor)
    rows = document["rows"]
    with visitor.plane.database.read() as connection:
        days = trend(connection, organization_id=visitor.organization_id, days=DAYS, now=visitor.plane.clock.now())
    return visitor.page(
        "home.html",
        document=document,
        groups=[(name, sorted(found, key=_badness)) for name, found in groupby(rows, key=lambda row: row["group"])],
        bars=bars(cast("list[dict[str, Any]]", days)),
        summary=_summary(rows),
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


@router.get("/evidence/{evidence_id}")
def evidence_page(request: Request, evidence_id: str) -> Response:
    """One piece of evidence: the raw document, its hash, and the proof that the audit log commits to it."""
    visitor = visit(request)
    with visitor.plane.database.read() as connection:
        found = open_evidence(
            connection, organization_id=visitor.organization_id, evidence_id=evidence_id.lower()[:128]
        )
    return visitor.page("evidence.html", evidence=found)


@router.post("/checks")
def run_all_checks(request: Request) -> Response:
    """Look at everything now."""
    return _start_run(request, None)


@router.post("/responsibilities/{row_id}/checks")
def run_checks_of_row(request: Request, row_id: str) -> Response:
    """Look at one row now."""
    return _start_run(request, row_id)


@router.get("/runs/{run_id}")
def run_page(request: Request, run_id: str) -> Response:
    """How far a run is."""
    visitor = visit(request, Permission.CHECKS_RUN)
    run = visitor.plane.check_runs.find(parse_uuid(run_id), organization_id=visitor.organization_id)
    return visitor.page("run.html", run=run.to_json())


def _start_run(request: Request, row_id: str | None) -> Response:
    visitor = visit(request, Permission.CHECKS_RUN)
    if row_id is not None and row_id not in {row.id for row in visitor.plane.catalogue.responsibilities}:
        raise NotFound("There is no such responsibility.")
    run = visitor.plane.check_runs.start(visitor.context, organization_id=visitor.organization_id, row_id=row_id)
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


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
    problems = _problems(found[0])
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


def _problems(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything in a row that fails or could not be looked at, each once, the most severe first."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for check in (check for control in row["controls"] for check in control["checks"]):
        for place in check["places"]:
            bad = [result for result in place["results"] if result["state"] == "fail"]
            if not bad and place["state"] in BAD:
                bad = [{"resource": "", "state": place["state"], "reason": place["reason"]}]
            for result in bad:
                told = {"findingId": None, **result, "check": check, "place": place["place"]}
                found.setdefault((check["id"], place["place"], result["resource"]), told)
    return sorted(found.values(), key=lambda one: SEVERITIES.index(one["check"]["severity"]))


def _badness(row: dict[str, Any]) -> int:
    return STATES.index(row["state"])


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


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    proven = sum(row["state"] == "pass" for row in rows)
    failing = sum(row["state"] in {"fail", "error"} for row in rows)
    return f"{proven} of {len(rows)} responsibilities are fully proven, {failing} are failing."
