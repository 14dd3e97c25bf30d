"""The one decision: may this principal do this, here? Everything not allowed is denied."""

from stronghouse.access.model import Principal
from stronghouse.access.permissions import Permission
from stronghouse.kernel.errors import Denied, NotFound


def require(principal: Principal, permission: Permission | None, *, organization_id: str) -> None:
    """Pass if the principal belongs to the organization and holds the permission there (None: belonging is enough).

    Raises:
        NotFound: not theirs. Whether it exists is not said.
        Denied: theirs, without the permission.
    """
    if organization_id not in principal.permissions:
        raise NotFound("There is no such organization.", detail=f"{principal.actor.id} is not in {organization_id}")
    if permission is not None and not principal.may(permission, organization_id):
        raise Denied(f"This needs the permission {permission.value}.", code="permission_missing")
