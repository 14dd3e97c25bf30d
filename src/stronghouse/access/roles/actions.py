"""What may be done with an organization's own roles: create, change, delete, and say who holds which."""

import dataclasses
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.access.events import (
    RoleCreated,
    RoleDeleted,
    RoleUpdated,
)
from stronghouse.access.model import Principal
from stronghouse.access.permissions import Permission
from stronghouse.access.roles import store
from stronghouse.access.roles.changes import Standing, check_change, check_given
from stronghouse.access.roles.holding import hand_out, standing
from stronghouse.access.roles.policies import (
    Policy,
    Role,
    rights_of,
)
from stronghouse.access.roles.requests import PolicyRequest, policies_of
from stronghouse.access.roles.store import Holder, StoredRole
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.kernel.ids import new_id

ROLES_PER_ORGANIZATION = 100
MAX_NAME = 256


@dataclass(frozen=True)
class RoleChange:
    """What should change of a role; None leaves it as it is. `actors` are `user/<id>` and `apiKey/<id>`."""

    name: str | None = None
    policies: tuple[PolicyRequest, ...] | None = None
    actors: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Described:
    """A role with who holds it."""

    role: Role
    actors: tuple[str, ...]
    created_at: datetime | None
    updated_at: datetime | None


def describe_all(connection: Connection, organization_id: str) -> list[Described]:
    """Every role of an organization with who holds it: the system's, then its own by name."""
    stored = {one.role.id: one for one in store.own_roles(connection, organization_id)}
    holders = store.holders(connection, organization_id)
    roles = store.roles_of(connection, organization_id)
    return [_described(role, stored.get(role.id), holders) for role in roles.values()]


def describe(connection: Connection, *, organization_id: str, role_id: str) -> Described:
    """One of them; raises NotFound."""
    for one in describe_all(connection, organization_id):
        if one.role.id == role_id:
            return one
    raise NotFound("There is no such role.")


def create_role(
    uow: UnitOfWork,
    *,
    name: str,
    policies: Iterable[PolicyRequest],
    actors: Iterable[str],
    organization_id: str,
    creator: Principal,
    now: datetime,
) -> Described:
    """Create a role and give it to `actors`.

    Raises:
        Invalid: a name, permission, resource or actor is none, or a policy mixes scopes.
        Denied: it would allow what its creator does not hold.
        Conflict: the name is in use, or there are too many.
    """
    _check_name(uow.connection, name, organization_id=organization_id)
    if len(store.own_roles(uow.connection, organization_id)) >= ROLES_PER_ORGANIZATION:
        raise Conflict(
            f"An organization has at most {ROLES_PER_ORGANIZATION} roles of its own.", code="roles_exhausted"
        )
    role = Role(new_id(), name, policies_of(policies, organization_id=organization_id), organization_id)
    check_given(rights_of([role]), organization_id=organization_id, giver=creator)
    store.insert_role(uow.connection, role, now=now)
    uow.record(
        RoleCreated(
            organization_id=organization_id,
            role_id=role.id,
            name=role.name,
            policies=_lines(role),
        )
    )
    hand_out(uow, role, tuple(actors), organization_id=organization_id, editor=creator)
    return describe(uow.connection, organization_id=organization_id, role_id=role.id)


def update_role(
    uow: UnitOfWork, change: RoleChange, *, role_id: str, organization_id: str, editor: Principal, now: datetime
) -> Described:
    """Change a role's name, policies or holders. Of a system role only its holders can be changed.

    Raises:
        NotFound: there is no such role.
        Invalid, Denied, Conflict: as for creation and as `changes.check_change` says.
    """
    before = standing(uow.connection, organization_id)
    if role_id not in before.roles:
        raise NotFound("There is no such role.")
    role = before.roles[role_id]
    if role.is_system and (change.name is not None or change.policies is not None):
        raise Invalid("A system role cannot be changed; only who holds it.", code="role_is_system")
    changed = _changed(uow.connection, role, change, organization_id=organization_id)
    if changed != role:
        check_given(rights_of([role]), organization_id=organization_id, giver=editor)
        check_given(rights_of([changed]), organization_id=organization_id, giver=editor)
        after = Standing({**before.roles, role.id: changed}, before.holders)
        check_change(before, after, organization_id=organization_id, editor=editor, needed=Permission.ROLES_MANAGE)
        store.update_role(uow.connection, changed, now=now)
        uow.record(
            RoleUpdated(
                organization_id=organization_id,
                role_id=role.id,
                name_before=role.name,
                name_after=changed.name,
                policies_before=_lines(role),
                policies_after=_lines(changed),
            )
        )
    if change.actors is not None:
        hand_out(uow, changed, change.actors, organization_id=organization_id, editor=editor)
    return describe(uow.connection, organization_id=organization_id, role_id=role_id)


def delete_role(uow: UnitOfWork, *, role_id: str, organization_id: str, editor: Principal) -> None:
    """Delete a role; whoever holds it loses what only it allowed.

    Raises:
        NotFound: there is no such role.
        Invalid: it is a system role.
        Denied, Conflict: as `changes.check_change` says.
    """
    before = standing(uow.connection, organization_id)
    if role_id not in before.roles:
        raise NotFound("There is no such role.")
    role = before.roles[role_id]
    if role.is_system:
        raise Invalid("A system role cannot be deleted.", code="role_is_system")
    check_given(rights_of([role]), organization_id=organization_id, giver=editor)
    hand_out(uow, role, (), organization_id=organization_id, editor=editor)
    store.delete_role(uow.connection, role.id)
    uow.record(
        RoleDeleted(
            organization_id=organization_id,
            role_id=role.id,
            name=role.name,
            policies=_lines(role),
        )
    )


def _changed(connection: Connection, role: Role, change: RoleChange, *, organization_id: str) -> Role:
    name = role.name if change.name is None else change.name
    if name != role.name:
        _check_name(connection, name, organization_id=organization_id)
    if change.policies is None:
        return dataclasses.replace(role, name=name)
    policies = policies_of(change.policies, organization_id=organization_id)
    same = [_content(one) for one in policies] == [_content(one) for one in role.policies]
    return dataclasses.replace(role, name=name, policies=role.policies if same else policies)


def _check_name(connection: Connection, name: str, *, organization_id: str) -> None:
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise Invalid(
            f"A role's name has 1 to {MAX_NAME} printable characters, the first and the last of which are no blanks.",
            code="name_invalid",
        )
    if unicodedata.normalize("NFKC", name) != name:
        raise Invalid("A role's name may not hold letters that look like others (Unicode's NFKC).", code="name_invalid")
    taken = {one.name.casefold() for one in store.roles_of(connection, organization_id).values()}
    if name.casefold() in taken:
        raise Conflict(f"There is a role named {name!r} already.", code="role_exists")


def _lines(role: Role) -> list[str]:
    """A role's policies, a sentence each, for the audit log."""
    return [policy.sentence for policy in role.policies]


def _described(role: Role, stored: StoredRole | None, holders: Iterable[Holder]) -> Described:
    return Described(
        role=role,
        actors=tuple(holder.actor for holder in holders if role.id in holder.role_ids),
        created_at=None if stored is None else stored.created_at,
        updated_at=None if stored is None else stored.updated_at,
    )


def _content(policy: Policy) -> Policy:
    """A policy without its id, which is new each time that it is written."""
    return dataclasses.replace(policy, id="")
