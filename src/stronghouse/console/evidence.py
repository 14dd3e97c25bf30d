"""One piece of evidence: the raw document, its hash, and the proof that the audit log commits to it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.console.state import visit
from stronghouse.responsibility.evidence import open_evidence

router = APIRouter()


@router.get("/evidence/{evidence_id}")
def evidence_page(request: Request, evidence_id: str) -> Response:
    """One piece of evidence: the raw document, its hash, and the proof that the audit log commits to it."""
    visitor = visit(request)
    with visitor.plane.database.read() as connection:
        found = open_evidence(
            connection, organization_id=visitor.organization_id, evidence_id=evidence_id.lower()[:128]
        )
    return visitor.page("evidence.html", evidence=found, audit_permission=Permission.AUDIT_LOG_VIEW)
