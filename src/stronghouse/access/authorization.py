"""The one decision: may this principal do this, here? Everything not allowed is denied."""

from stronghouse.access.model import Principal
from stronghouse.access.permissions import Permission
from stronghouse.kernel.errors import Denied, NotFound


def require(
    principal: Principal, permission: Permission | None, *, organization_id: str, service_id: str | None = None
) -> None:
    """Pass if the principal belongs to the organization and holds the permission there (None: belonging is enough).

    `service_id` is the service that a permission on services is needed for; without one, holding it on any will do.

    Raises:
        NotFound: not theirs, or a service that they hold nothing on, while they do on others. Whether it exists is not
            said.
        Denied: theirs, without the permission.
    """
    if organization_id not in principal.rights:
        raise NotFound("There is no such organization.", detail=f"{principal.actor.id} is not in {organization_id}")
    if permission is None or principal.may(permission, organization_id, service_id):
        return
    rights = principal.rights_in(organization_id)
    if service_id is not None and not rights.at(service_id) and rights.may(permission):
        raise NotFound("There is no such service.", detail=f"{principal.actor.id} holds nothing on {service_id}")
    raise Denied(f"This needs the permission {permission.value}.", code="permission_missing")
