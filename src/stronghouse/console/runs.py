"""Looking now: starting checks by hand, and how far they are."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.state import visit
from stronghouse.kernel.errors import NotFound
from stronghouse.kernel.ids import parse_uuid

router = APIRouter()


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
