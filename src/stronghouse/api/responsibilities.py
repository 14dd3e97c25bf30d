"""`/v1/organizations/{organization}/responsibilities` and the evidence behind it. Ours, not the Cloud's."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.plane.parts import ControlPlane
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.evidence import open_evidence
from stronghouse.responsibility.matrix import responsibility_matrix

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")


@router.get("/responsibilities")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_responsibilities(request: Request, organization_id: str) -> Response:
    """The responsibility matrix: who must do what, how far it is proven, by which evidence."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        document = responsibility_matrix(
            connection,
            catalogue=plane.catalogue,
            organization_id=organization_id,
            regions=[region.id for region in find_regions(connection)],
            now=plane.clock.now(),
        )
    return success(request, document)


@router.get("/evidence/{evidence_id}")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_evidence(request: Request, organization_id: str, evidence_id: str) -> Response:
    """One piece of evidence, by its SHA-256, with the proof that the audit log commits to it."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        document = open_evidence(connection, organization_id=organization_id, evidence_id=evidence_id.lower()[:128])
    return success(request, document)
