"""Roles for tests, made of permissions alone."""

from collections.abc import Iterable

from stronghouse.access.permissions import INCLUDED, Permission
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
from stronghouse.access.roles.system import ADMIN
from stronghouse.kernel.ids import new_id


def role_of(name: str, permissions: Iterable[Permission]) -> Role:
    """A role that allows these on all that they can be about."""
    wanted = tuple(permissions)
    tags = PolicyTags(role=DatabaseRole.ADMIN) if Permission.DATABASE_ACCESS in wanted else None
    policies = [
        Policy(
            new_id(), Effect.ALLOW, tuple(one for one in wanted if one.scope == "organization"), (ANY_ORGANIZATION,)
        ),
        Policy(new_id(), Effect.ALLOW, tuple(one for one in wanted if one.scope == "service"), (EVERY_SERVICE,), tags),
    ]
    return Role(new_id(), name, tuple(policy for policy in policies if policy.permissions))


def role_without(permission: Permission) -> Role:
    """A role that allows everything but this one; all that a wide permission includes stays."""
    name = f"not {permission.value}"
    if permission in INCLUDED:
        return role_of(name, [one for one in Permission if one is not permission])
    everywhere = ANY_ORGANIZATION if permission.scope == "organization" else EVERY_SERVICE
    denial = Policy(new_id(), Effect.DENY, (permission,), (everywhere,))
    return Role(new_id(), name, (*ADMIN.policies, denial))


def rights(permissions: Iterable[Permission]) -> Rights:
    """The rights of whoever holds these on everything."""
    return rights_of([role_of("test", permissions)])
