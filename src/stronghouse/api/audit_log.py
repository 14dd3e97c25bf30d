"""`/v1/organizations/{organization}/auditLog`: the log, its signed heads and its proofs. Ours, not the Cloud's."""

import base64
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.audit import checkpoint, store, tree
from stronghouse.kernel.canonical import MAX_EXACT_INTEGER
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/auditLog")


@router.get("")
@access(Permission.AUDIT_LOG_VIEW)
def list_events(
    request: Request,
    organization_id: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=0, le=MAX_EXACT_INTEGER)] = None,
) -> Response:
    """Events, newest first; go on with `before` = the last one's index."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        entries = store.page(connection, organization_id=organization_id, before=before, limit=limit)
    return success(request, [{"index": entry.index, **entry.event()} for entry in entries])


@router.get("/checkpoint")
@access(Permission.AUDIT_LOG_VIEW)
def get_checkpoint(request: Request, organization_id: str) -> Response:  # noqa: ARG001 - the path's
    """The newest signed head (a C2SP checkpoint) and the key that verifies it."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        note = store.latest_checkpoint(connection)
    signer = plane.audit.signer
    result = {"checkpoint": note, "verifierKey": checkpoint.verifier_key(signer.origin, signer.public_key)}
    return success(request, result)


@router.get("/consistency")
@access(Permission.AUDIT_LOG_VIEW)
def get_consistency(
    request: Request,
    organization_id: str,  # noqa: ARG001 - the path's
    first: Annotated[int, Query(ge=1, le=MAX_EXACT_INTEGER)],
    second: Annotated[int, Query(ge=1, le=MAX_EXACT_INTEGER)],
) -> Response:
    """Proof that the log of `first` entries is a prefix of the log of `second` (RFC 6962 section 2.1.2)."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        if not first <= second <= store.size(connection):
            raise Invalid("first and second are sizes that the log has had, in this order.", code="sizes_invalid")
        proof = tree.consistency_proof(first, second, store.nodes(connection))
    return success(request, {"first": first, "second": second, "proof": [_text(node) for node in proof]})


@router.get("/{event_id}/proof")
@access(Permission.AUDIT_LOG_VIEW)
def get_proof(
    request: Request,
    organization_id: str,
    event_id: str,
    size: Annotated[int | None, Query(ge=1, le=MAX_EXACT_INTEGER)] = None,
) -> Response:
    """The exact bytes of an event's leaf, and the path that proves it under the head of `size` entries (the newest)."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        entry = store.find(connection, organization_id=organization_id, event_id=event_id[:64])
        if entry is None:
            raise NotFound("There is no such event.")
        total = store.size(connection)
        chosen = total if size is None else size
        if not entry.index < chosen <= total:
            raise Invalid("size is one that the log has had since this event.", code="sizes_invalid")
        proof = tree.inclusion_proof(entry.index, chosen, store.nodes(connection))
    result = {"index": entry.index, "size": chosen, "leaf": entry.body, "proof": [_text(node) for node in proof]}
    return success(request, result)


def _text(node: bytes) -> str:
    return base64.b64encode(node).decode()
