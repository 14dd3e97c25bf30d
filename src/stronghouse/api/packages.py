"""`/v1/organizations/{organization}/packages`: evidence of a period for an auditor. Ours, not the Cloud's."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, Moment, in_utc
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.compliance import actions, store
from stronghouse.compliance.model import Package, Sample
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/packages")


class PackagePost(Body):
    """A period; without an end it ends now."""

    start: datetime = Field(alias="from")
    end: Moment = Field(default=None, alias="to")
    sample: Sample = Sample.DAILY


@router.post("")
@access(Permission.EVIDENCE_EXPORT)
def create_package(request: Request, organization_id: str, body: PackagePost) -> Response:
    """Ask for a package. It is made in the background: look at its `state` until that is `ready` or `failed`."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    now = plane.clock.now()
    start = in_utc(body.start)
    if start is None:
        raise Invalid("A period has a beginning.", code="period_invalid")
    with plane.audit.unit_of_work(caller.context) as uow:
        new = actions.request_package(
            uow,
            organization_id=organization_id,
            start=start,
            end=in_utc(body.end) or now,
            sample=body.sample,
            now=now,
        )
    plane.packages.wake()
    return success(request, view(new))


@router.get("")
@access(Permission.EVIDENCE_EXPORT)
def list_packages(
    request: Request,
    organization_id: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """The organization's packages, newest first; `nextCursor` says where to go on."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        before = None if cursor is None else _found(connection, organization_id, cursor)
        found = store.find_all(connection, organization_id=organization_id, before=before, limit=limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return success(request, [view(one) for one in shown], extra={"nextCursor": shown[-1].id} if more else None)


@router.get("/{package_id}")
@access(Permission.EVIDENCE_EXPORT)
def get_package(request: Request, organization_id: str, package_id: str) -> Response:
    """One package."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = _found(connection, organization_id, package_id)
    return success(request, view(found))


@router.get("/{package_id}/file")
@access(Permission.EVIDENCE_EXPORT)
def download_package(request: Request, organization_id: str, package_id: str) -> Response:
    """The file; who took it is recorded."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    path = plane.packages.path(parse_uuid(package_id))
    with plane.audit.unit_of_work(caller.context) as uow:
        found = actions.download_package(uow, organization_id=organization_id, package_id=parse_uuid(package_id))
        if not path.is_file():
            raise Conflict("The file of this package is gone; ask for a new one.", code="package_file_missing")
    name = f"stronghouse-package-{found.period_from.date()}-{found.period_to.date()}.zip"
    headers = {
        "x-request-id": request.state.request_id,
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{name}"',
        "x-content-type-options": "nosniff",
    }
    return FileResponse(path, media_type="application/zip", headers=headers)


@router.delete("/{package_id}")
@access(Permission.EVIDENCE_EXPORT)
def delete_package(request: Request, organization_id: str, package_id: str) -> Response:
    """Delete a package and its file."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        deleted = actions.delete_package(uow, organization_id=organization_id, package_id=parse_uuid(package_id))
    plane.packages.remove(deleted.id)
    return success(request)


def view(package: Package) -> dict[str, object]:
    """A package as the API shows it."""
    return {
        "id": package.id,
        "from": rfc3339(package.period_from),
        "to": rfc3339(package.period_to),
        "sample": package.sample.value,
        "state": package.state.value,
        "progress": package.progress,
        "error": package.error,
        "createdAt": rfc3339(package.created_at),
        "finishedAt": _time(package.finished_at),
        "verifiedAt": _time(package.verified_at),
        "expiresAt": _time(package.expires_at),
        "size": package.size,
        "sha256": package.sha256,
        "manifestSha256": package.manifest,
    }


def _found(connection: Connection, organization_id: str, package_id: str) -> Package:
    found = store.find(connection, organization_id=organization_id, package_id=parse_uuid(package_id))
    if found is None:
        raise NotFound("There is no such package.")
    return found


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
