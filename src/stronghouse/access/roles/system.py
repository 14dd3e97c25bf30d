"""The system roles, which every organization has and nobody can change, and finding roles by their ids."""

import uuid
from collections.abc import Iterable, Mapping

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import (
    ANY_ORGANIZATION,
    EVERY_SERVICE,
    DatabaseRole,
    Effect,
    Policy,
    PolicyTags,
    Rights,
    Role,
    rights_of,
)
from stronghouse.kernel.errors import Invalid

# Fixed for ever, so that the id of a system role is the same in every installation.
ROLE_NAMESPACE = uuid.UUID("6f0b7f4e-3d0e-5f6e-9a55-3f6b8c1d7e21")


def _system(name: str, *permissions: Permission, database: DatabaseRole | None = None) -> Role:
    """A role that allows each permission on all that it can be about."""
    parts = [
        (ANY_ORGANIZATION, [one for one in permissions if one.scope == "organization"], None),
        (EVERY_SERVICE, [one for one in permissions if one.scope == "service"], database),
    ]
    role_id = uuid.uuid5(ROLE_NAMESPACE, name)
    policies = tuple(
        Policy(
            id=str(uuid.uuid5(role_id, resource)),
            effect=Effect.ALLOW,
            permissions=tuple(held),
            resources=(resource,),
            tags=None if role is None else PolicyTags(role=role),
        )
        for resource, held, role in parts
        if held
    )
    return Role(str(role_id), name, policies)


_SEEING_SERVICES = (
    Permission.SERVICE_VIEW,
    Permission.BACKUPS_VIEW,
    Permission.PRIVATE_ENDPOINTS_VIEW,
    Permission.QUERY_ENDPOINTS_VIEW,
    Permission.SCALING_VIEW,
    Permission.ENCRYPTION_KEYS_VIEW,
)
ADMIN = _system("Admin", *Permission, database=DatabaseRole.ADMIN)
DEVELOPER = _system(
    "Developer",
    Permission.ORGANIZATION_VIEW,
    Permission.SERVICE_CREATE,
    *_SEEING_SERVICES,
    Permission.SERVICE_MANAGE,
    Permission.IP_ACCESS_MANAGE,
    Permission.DATABASE_ACCESS,
    Permission.ACTIVITIES_VIEW,
    Permission.RESPONSIBILITIES_VIEW,
    Permission.CHECKS_RUN,
    Permission.FINDINGS_MANAGE,
    Permission.DOCUMENTS_VIEW,
    database=DatabaseRole.READ_ONLY,
)
BILLING = _system("Billing", Permission.ORGANIZATION_VIEW, Permission.BILLING_VIEW, Permission.BILLING_MANAGE)
MEMBER = _system("Member", Permission.ORGANIZATION_VIEW)
SERVICE_ADMIN = _system(
    "Service admin",
    Permission.ORGANIZATION_VIEW,
    *(one for one in Permission if one.scope == "service" and one is not Permission.DATABASE_ACCESS),
)
SERVICE_READER = _system("Service read only", Permission.ORGANIZATION_VIEW, *_SEEING_SERVICES)

SYSTEM_ROLES = {role.id: role for role in (ADMIN, DEVELOPER, BILLING, MEMBER, SERVICE_ADMIN, SERVICE_READER)}

Roles = Mapping[str, Role]
"""The roles of an organization by id: the system's and its own."""


def find_role(roles: Roles, role_id: str) -> Role:
    """The role with this id; raises Invalid when there is none."""
    role = roles.get(role_id.lower())
    if role is None:
        raise Invalid(f"There is no role with the id {role_id[:64]!r}.", code="role_unknown")
    return role


ADMINISTRATION = frozenset({Permission.ORGANIZATION_MANAGE, Permission.MEMBERS_MANAGE, Permission.ROLES_MANAGE})


def administers(held_rights: Rights) -> bool:
    """Whether somebody with these rights runs the organization: its members, their roles and its settings."""
    return held_rights.organization >= ADMINISTRATION


def held(roles: Roles, role_ids: Iterable[str]) -> tuple[Role, ...]:
    """The roles with these ids; an id that names none allows nothing."""
    return tuple(roles[role_id] for role_id in role_ids if role_id in roles)


def rights(roles: Roles, role_ids: Iterable[str]) -> Rights:
    """What the roles with these ids allow together."""
    return rights_of(held(roles, role_ids))
