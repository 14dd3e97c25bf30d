"""The system roles. Custom roles come with the identity issue; these can be neither edited nor deleted."""

import uuid
from dataclasses import dataclass
from typing import Literal

from stronghouse.access.permissions import Permission
from stronghouse.kernel.errors import Invalid

# Fixed for ever, so that the id of a system role is the same in every installation.
ROLE_NAMESPACE = uuid.UUID("6f0b7f4e-3d0e-5f6e-9a55-3f6b8c1d7e21")


@dataclass(frozen=True)
class Role:
    """A named set of permissions over an organization and all its services."""

    id: str
    name: str
    permissions: frozenset[Permission]
    type: Literal["system", "custom"] = "system"


def _system(name: str, *permissions: Permission) -> Role:
    return Role(str(uuid.uuid5(ROLE_NAMESPACE, name)), name, frozenset(permissions))


ADMIN = _system("Admin", *Permission)
DEVELOPER = _system(
    "Developer",
    Permission.ORGANIZATION_VIEW,
    Permission.SERVICE_CREATE,
    Permission.SERVICE_VIEW,
    Permission.SERVICE_MANAGE,
    Permission.IP_ACCESS_MANAGE,
    Permission.BACKUPS_VIEW,
    Permission.PRIVATE_ENDPOINTS_VIEW,
    Permission.QUERY_ENDPOINTS_VIEW,
    Permission.SCALING_VIEW,
    Permission.ENCRYPTION_KEYS_VIEW,
    Permission.DATABASE_ACCESS,
    Permission.ACTIVITIES_VIEW,
    Permission.RESPONSIBILITIES_VIEW,
    Permission.CHECKS_RUN,
    Permission.FINDINGS_MANAGE,
    Permission.DOCUMENTS_VIEW,
)
BILLING = _system("Billing", Permission.ORGANIZATION_VIEW)
MEMBER = _system("Member", Permission.ORGANIZATION_VIEW)

SYSTEM_ROLES = {role.id: role for role in (ADMIN, DEVELOPER, BILLING, MEMBER)}


def find_role(role_id: str) -> Role:
    """The role with this id; raises Invalid when there is none."""
    role = SYSTEM_ROLES.get(role_id.lower())
    if role is None:
        raise Invalid(f"There is no role with the id {role_id[:64]!r}.", code="role_unknown")
    return role


def permissions_of(role_ids: tuple[str, ...] | list[str]) -> frozenset[Permission]:
    """What these roles allow together; an id that names no role allows nothing."""
    held = (SYSTEM_ROLES[role_id].permissions for role_id in role_ids if role_id in SYSTEM_ROLES)
    return frozenset[Permission]().union(*held)
