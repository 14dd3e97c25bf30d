"""Access statements that change something: each makes the next catalogue out of the present one, or is refused.

Invariants:
- Nobody gives a right that they may not give, and a statement is carried out wholly or not at all.
- The owner and people of the console are as the console says: no statement changes them.
- Whatever is dropped leaves no reference behind, and its id never comes back.
"""

import secrets
from collections.abc import Callable
from functools import singledispatch

from stronghouse.engine.access import statements as values
from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.access.change import Actor, Change, Circumstances
from stronghouse.engine.access.change_grants import (
    grant_current_grants,
    grant_privileges,
    grant_roles,
    revoke_privileges,
    revoke_roles,
)
from stronghouse.engine.access.change_policies import alter_policies, create_policies, drop_policies
from stronghouse.engine.access.change_quotas import alter_quotas, create_quotas
from stronghouse.engine.access.change_references import forget
from stronghouse.engine.access.change_roles import alter_profiles, alter_roles, create_profiles, create_roles
from stronghouse.engine.access.change_users import alter_users, create_users, set_default_roles
from stronghouse.engine.access.refusals import unknown

__all__ = ["Actor", "ChangingStatement", "apply"]

ChangingStatement = (
    values.CreateUser
    | values.AlterUser
    | values.CreateRole
    | values.AlterRole
    | values.CreateRowPolicy
    | values.AlterRowPolicy
    | values.CreateProfile
    | values.AlterProfile
    | values.CreateQuota
    | values.AlterQuota
    | values.Drop
    | values.DropRowPolicies
    | values.GrantPrivileges
    | values.GrantCurrentGrants
    | values.RevokePrivileges
    | values.GrantRoles
    | values.RevokeRoles
    | values.SetDefaultRole
)
"""Access statements that change the catalogue: all but SET ROLE and SHOW."""


def apply(
    statement: ChangingStatement,
    catalogue: Catalogue,
    actor: Actor,
    *,
    new_id: Callable[[], str],
    now: float,
    current_database: str,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> Catalogue:
    """The catalogue after `statement`, one generation on; the same object if nothing changes.

    Args:
        statement: what to do.
        catalogue: the present one; nothing in it changes.
        actor: who asks, who is in it.
        new_id: gives ids that were never used.
        now: seconds since 1970.
        current_database: of whoever asks.
        random: gives so many random bytes.

    Raises:
        DatabaseError: it is refused, with ClickHouse's code: 497 a privilege is missing; 495 the console's; 192, 511,
            523, 180 or 199 there is no such thing; 493 there is one already; 512, 36, 41, 48, 115, 452, 508, 509.
    """
    change = Change(catalogue, actor, Circumstances(new_id, now, current_database, random))
    _carry_out(statement, change)
    return change.result()


@singledispatch
def _carry_out(statement: ChangingStatement, _: Change) -> None:
    raise TypeError(f"{type(statement).__name__} changes nothing")


_carry_out.register(values.CreateUser)(create_users)
_carry_out.register(values.AlterUser)(alter_users)
_carry_out.register(values.SetDefaultRole)(set_default_roles)
_carry_out.register(values.CreateRole)(create_roles)
_carry_out.register(values.AlterRole)(alter_roles)
_carry_out.register(values.CreateRowPolicy)(create_policies)
_carry_out.register(values.AlterRowPolicy)(alter_policies)
_carry_out.register(values.DropRowPolicies)(drop_policies)
_carry_out.register(values.CreateProfile)(create_profiles)
_carry_out.register(values.AlterProfile)(alter_profiles)
_carry_out.register(values.CreateQuota)(create_quotas)
_carry_out.register(values.AlterQuota)(alter_quotas)
_carry_out.register(values.GrantPrivileges)(grant_privileges)
_carry_out.register(values.GrantCurrentGrants)(grant_current_grants)
_carry_out.register(values.RevokePrivileges)(revoke_privileges)
_carry_out.register(values.GrantRoles)(grant_roles)
_carry_out.register(values.RevokeRoles)(revoke_roles)


@_carry_out.register
def _drop(statement: values.Drop, change: Change) -> None:
    ids = {
        "USER": {user.name: user.id for user in change.users.values()},
        "ROLE": {role.name: role.id for role in change.roles.values()},
        "SETTINGS PROFILE": {profile.name: profile.id for profile in change.profiles.values()},
        "QUOTA": {quota.name: quota.id for quota in change.quotas.values()},
        "ROW POLICY": {},
    }[statement.kind]
    for name in statement.names:
        by_name = statement.kind in {"USER", "ROLE"}
        change.need(f"DROP {statement.kind}", on=name if by_name else None)
        if by_name:
            change.alterable(statement.kind, name)
        if name not in ids and not statement.if_exists:
            raise unknown(statement.kind, name)
    forget(change, [ids[name] for name in statement.names if name in ids])
