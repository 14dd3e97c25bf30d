"""Auditor's packages: ask for one, see how far it is, take it."""

from datetime import UTC, date, datetime, time, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.compliance import actions, store
from stronghouse.compliance.model import PackageState, Sample
from stronghouse.console.state import Field, Visit, visit
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.kernel.ids import parse_uuid

router = APIRouter(prefix="/packages")
SHOWN = 100


@router.get("")
def list_page(request: Request) -> Response:
    """The packages, newest first, and the form for another."""
    return _page(visit(request, Permission.EVIDENCE_EXPORT))


@router.post("")
def create(request: Request, begin: Field, end: Field, sample: Field) -> Response:
    """Ask for a package."""
    visitor = visit(request, Permission.EVIDENCE_EXPORT)
    plane, now = visitor.plane, visitor.plane.clock.now()
    try:
        start, last = _day(begin), min(_day(end), now)  # the last day of the calendar has no next one
        stop = min(now, last + timedelta(days=1))
        with plane.audit.unit_of_work(visitor.context) as uow:
            actions.request_package(
                uow,
                organization_id=visitor.organization_id,
                start=start,
                end=stop,
                sample=Sample.ALL if sample == Sample.ALL.value else Sample.DAILY,
                now=now,
            )
    except (Invalid, Conflict) as error:
        return _page(visitor, problem=error.public, status=400)
    plane.packages.wake()
    return RedirectResponse("/packages", status_code=303)


@router.get("/{package_id}/file")
def download(request: Request, package_id: str) -> Response:
    """The file; who took it is recorded."""
    visitor = visit(request, Permission.EVIDENCE_EXPORT)
    path = visitor.plane.packages.path(parse_uuid(package_id))
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        found = actions.download_package(
            uow, organization_id=visitor.organization_id, package_id=parse_uuid(package_id)
        )
        if not path.is_file():
            raise Conflict("The file of this package is gone; ask for a new one.", code="package_file_missing")
    name = f"stronghouse-package-{found.period_from.date()}-{found.period_to.date()}.zip"
    return FileResponse(path, media_type="application/zip", filename=name)


def _page(visitor: Visit, *, problem: str | None = None, status: int = 200) -> Response:
    with visitor.plane.database.read() as connection:
        found = store.find_all(connection, organization_id=visitor.organization_id, before=None, limit=SHOWN)
    today = visitor.plane.clock.now().date()
    return visitor.page(
        "packages.html",
        status=status,
        packages=found,
        building=any(one.state is PackageState.BUILDING for one in found),
        problem=problem,
        first=today - timedelta(days=90),
        last=today,
    )


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise Invalid("Give days as dates, as in 2027-01-31.", code="period_invalid") from None
