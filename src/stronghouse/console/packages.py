"""Auditor's packages: ask for one, see how far it is, take it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.compliance import actions, store
from stronghouse.compliance.model import Package, PackageState, Sample
from stronghouse.console.form_errors import REFUSALS, status_of
from stronghouse.console.protection import check_download
from stronghouse.console.state import Field, Visit, visit
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict, Invalid, NotFound, StronghouseError
from stronghouse.kernel.ids import parse_uuid

router = APIRouter(prefix="/packages")
SHOWN = 50
USUAL = timedelta(days=90)
"""The period that is proposed."""
Word = Annotated[str, Query(max_length=64)]
DONE = {"asked": "The package is being made and verified; it can be downloaded when it is ready."}
"""What was done, by the word that an act leads back with."""


@dataclass(frozen=True)
class Asked:
    """What the form holds: days as text, both of them included."""

    begin: str
    end: str
    sample: str = Sample.DAILY.value


@router.get("")
def list_page(request: Request, before: Word = "", done: Word = "") -> Response:
    """The packages, newest first, and the form for another."""
    return _page(visit(request, Permission.EVIDENCE_EXPORT), before=before, done=done)


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
    except REFUSALS as error:
        return _page(visitor, error=error, asked=Asked(begin, end, sample))
    plane.packages.wake()
    return RedirectResponse("/packages?done=asked", status_code=303)


@router.get("/{package_id}/file")
def download(request: Request, package_id: str) -> Response:
    """The file; who took it is recorded."""
    visitor = visit(request, Permission.EVIDENCE_EXPORT)
    check_download(request)
    path = visitor.plane.packages.path(parse_uuid(package_id))
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        found = actions.download_package(
            uow, organization_id=visitor.organization_id, package_id=parse_uuid(package_id)
        )
        if not path.is_file():
            raise Conflict("The file of this package is gone; ask for a new one.", code="package_file_missing")
    name = f"stronghouse-package-{found.period_from.date()}-{found.period_to.date()}.zip"
    return FileResponse(path, media_type="application/zip", filename=name)


def _page(
    visitor: Visit,
    *,
    before: str = "",
    done: str = "",
    error: StronghouseError | None = None,
    asked: Asked | None = None,
) -> Response:
    last = _find(visitor, before) if before else None
    with visitor.plane.database.read() as connection:
        found = store.find_all(connection, organization_id=visitor.organization_id, before=last, limit=SHOWN + 1)
    shown, today = found[:SHOWN], visitor.plane.clock.now().date()
    begin = today - USUAL
    return visitor.page(
        "packages.html",
        status=200 if error is None else status_of(error),
        packages=shown,
        building=any(one.state is PackageState.BUILDING for one in shown),
        ready=next((one for one in shown if one.state is PackageState.READY), None),
        paged=last is not None,
        older=f"/packages?before={shown[-1].id}" if len(found) > SHOWN else None,
        permission=Permission,
        done=DONE.get(done),
        problems={} if error is None else {"begin" if error.code == "period_invalid" else "": error.public},
        asked=asked or Asked(str(begin), str(today)),
        today=today,
        begin=rfc3339(_day(str(begin))),
    )


def _find(visitor: Visit, package_id: str) -> Package:
    with visitor.plane.database.read() as connection:
        found = store.find(connection, organization_id=visitor.organization_id, package_id=parse_uuid(package_id))
    if found is None:
        raise NotFound("There is no such package.")
    return found


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise Invalid("Give days as dates, as in 2027-01-31.", code="period_invalid") from None
