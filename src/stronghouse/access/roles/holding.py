"""Who holds which roles, and what may be done about that."""

import dataclasses
from collections.abc import Mapping

from sqlalchemy import Connection

from stronghouse.access import store
from stronghouse.access.events import KeyUpdated, MemberRemoved, MemberRolesChanged
from stronghouse.access.factors import store as factor_store
from stronghouse.access.invitations.ending import forget_invitation
from stronghouse.access.model import Principal
from stronghouse.access.permissions import Permission
from stronghouse.access.roles import store as role_store
from stronghouse.access.roles.changes import Standing, check_change
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.store import Holder
from stronghouse.access.roles.system import find_role
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Invalid, NotFound


def set_member_roles(
    uow: UnitOfWork, role_ids: tuple[str, ...], *, user_id: str, organization_id: str, editor: Principal
) -> None:
    """Give a member these roles and no others.

    Raises:
        NotFound: there is no such member.
        Invalid: there is no such role.
        Denied, Conflict: as `changes.check_change` says.
    """
    before = standing(uow.connection, organization_id)
    member = before.holders.get(f"user/{user_id}")
    if member is None:
        raise NotFound("There is no such member.")
    wanted = tuple(dict.fromkeys(find_role(before.roles, one).id for one in role_ids))
    changes = {member.actor: dataclasses.replace(member, role_ids=wanted)}
    _apply(uow, before, changes, organization_id=organization_id, editor=editor, needed=Permission.MEMBERS_MANAGE)


def remove_member(uow: UnitOfWork, *, user_id: str, organization_id: str, editor: Principal) -> None:
    """Take a person out of an organization. Who is in no other one is signed out, and their links end.

    Raises:
        NotFound: there is no such member.
        Conflict: it is the editor, or the last administrator.
        Denied: they may do more than the editor.
    """
    before = standing(uow.connection, organization_id)
    member = before.holders.get(f"user/{user_id}")
    if member is None:
        raise NotFound("There is no such member.")
    rest = {actor: holder for actor, holder in before.holders.items() if actor != member.actor}
    after = Standing(before.roles, rest)
    check_change(before, after, organization_id=organization_id, editor=editor, needed=Permission.MEMBERS_MANAGE)
    store.delete_member(uow.connection, organization_id=organization_id, user_id=user_id)
    uow.record(MemberRemoved(organization_id=organization_id, user_id=user_id, email=member.name))
    forget_invitation(uow, organization_id=organization_id, email=member.name)
    if not store.memberships(uow.connection, user_id):
        store.end_sessions(uow.connection, user_id=user_id)
        store.delete_sign_in_links(uow.connection, user_id=user_id)
        factor_store.delete_pendings(uow.connection, user_id=user_id)


def standing(connection: Connection, organization_id: str) -> Standing:
    """The roles of an organization and who holds them now."""
    return Standing.of(
        role_store.roles_of(connection, organization_id), role_store.holders(connection, organization_id)
    )


def hand_out(uow: UnitOfWork, role: Role, actors: tuple[str, ...], *, organization_id: str, editor: Principal) -> None:
    """Have these hold a role, and nobody else."""
    before = standing(uow.connection, organization_id)
    unknown = [one for one in actors if one not in before.holders]
    if unknown:
        raise Invalid(
            f"There is no member or API key {unknown[0][:80]!r}; actors are user/<id> and apiKey/<id>.",
            code="actor_unknown",
        )
    changes: dict[str, Holder] = {}
    for actor, holder in before.holders.items():
        if (actor in actors) != (role.id in holder.role_ids):
            kept = tuple(one for one in holder.role_ids if one != role.id)
            changes[actor] = dataclasses.replace(holder, role_ids=(*kept, role.id) if actor in actors else kept)
    _apply(uow, before, changes, organization_id=organization_id, editor=editor, needed=Permission.ROLES_MANAGE)


def _apply(
    uow: UnitOfWork,
    before: Standing,
    changes: Mapping[str, Holder],
    *,
    organization_id: str,
    editor: Principal,
    needed: Permission,
) -> None:
    """Have holders hold what they are to, each with an event of its own."""
    after = Standing(before.roles, {**before.holders, **changes})
    check_change(before, after, organization_id=organization_id, editor=editor, needed=needed)
    for actor, holder in changes.items():
        old = list(before.holders[actor].role_ids)
        if old == list(holder.role_ids):
            continue
        role_store.set_roles(uow.connection, organization_id=organization_id, holder=holder)
        if holder.kind == "user":
            uow.record(
                MemberRolesChanged(
                    organization_id=organization_id, user_id=holder.id, before=old, after=list(holder.role_ids)
                )
            )
        else:
            uow.record(
                KeyUpdated(
                    organization_id=organization_id,
                    key_id=holder.id,
                    change="role-changed",
                    before=old,
                    after=list(holder.role_ids),
                )
            )
