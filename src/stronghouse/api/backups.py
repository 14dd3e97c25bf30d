"""Backups, of which this version makes none: lists are empty, and whatever would have to make one is refused."""

from typing import NoReturn

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, WholeNumber
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import store

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/services/{service_id}")


class ConfigurationPatch(Body):
    """When backups are made and how long they are kept; null asks for nothing."""

    backupPeriodInHours: WholeNumber | None = None  # noqa: N815 - the wire's names
    backupRetentionPeriodInHours: WholeNumber | None = None  # noqa: N815
    backupStartTime: str | None = Field(default=None, max_length=16)  # noqa: N815


class BucketBody(Body):
    """A bucket for backups; nothing of it is read, since it holds secrets that would be of no use."""


@router.get("/backups")
@access(Permission.BACKUPS_VIEW)
def list_backups(request: Request, organization_id: str, service_id: str) -> Response:
    """The backups of a service: none."""
    _check_service(request, organization_id, service_id)
    return success(request, [])


@router.get("/backups/{backup_id}")
@access(Permission.BACKUPS_VIEW)
def get_backup(request: Request, organization_id: str, service_id: str, backup_id: str) -> Response:  # noqa: ARG001 - none
    """No backup has this id."""
    _check_service(request, organization_id, service_id)
    raise NotFound("There is no such backup: this version makes none.")


@router.get("/backupConfiguration")
@access(Permission.BACKUPS_VIEW)
def get_configuration(request: Request, organization_id: str, service_id: str) -> Response:
    """When backups are made: nothing is configured."""
    _check_service(request, organization_id, service_id)
    return success(request, {})


@router.patch("/backupConfiguration")
@access(Permission.BACKUPS_MANAGE)
def update_configuration(request: Request, organization_id: str, service_id: str, body: ConfigurationPatch) -> Response:
    """Refuse whatever asks for backups."""
    _check_service(request, organization_id, service_id)
    if any(value is not None for value in body.model_dump().values()):
        _refuse("This version makes no backups, so there is nothing to configure; leave all three values out.")
    return success(request, {})


@router.get("/backupBucket")
@access(Permission.BACKUPS_VIEW)
def get_bucket(request: Request, organization_id: str, service_id: str) -> Response:
    """There is no bucket."""
    _no_bucket(request, organization_id, service_id)


@router.post("/backupBucket")
@access(Permission.BACKUPS_MANAGE)
def create_bucket(request: Request, organization_id: str, service_id: str, body: BucketBody) -> Response:  # noqa: ARG001 - whatever it says
    """Refuse it."""
    _check_service(request, organization_id, service_id)
    _refuse("This version makes no backups, so it cannot write to a bucket; nothing was stored.")


@router.patch("/backupBucket")
@access(Permission.BACKUPS_MANAGE)
def update_bucket(request: Request, organization_id: str, service_id: str, body: BucketBody) -> Response:  # noqa: ARG001 - none
    """There is no bucket."""
    _no_bucket(request, organization_id, service_id)


@router.delete("/backupBucket")
@access(Permission.BACKUPS_MANAGE)
def delete_bucket(request: Request, organization_id: str, service_id: str) -> Response:
    """There is no bucket."""
    _no_bucket(request, organization_id, service_id)


def _check_service(request: Request, organization_id: str, service_id: str) -> None:
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))


def _no_bucket(request: Request, organization_id: str, service_id: str) -> NoReturn:
    _check_service(request, organization_id, service_id)
    raise NotFound("This service has no backup bucket: this version makes no backups.")


def _refuse(sentence: str) -> NoReturn:
    raise Invalid(sentence, code="unsupported")
