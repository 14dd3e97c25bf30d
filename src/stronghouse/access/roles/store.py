"""Tables of an organization's own roles, and who holds which roles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, Column, Connection, Row, String, Table, UniqueConstraint, delete, insert, select, update

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import DatabaseRole, Effect, Policy, PolicyTags, Role
from stronghouse.access.roles.system import SYSTEM_ROLES, Roles
from stronghouse.access.store import api_key, member, person
from stronghouse.storage.columns import Timestamp, identifier, metadata

HolderKind = Literal["user", "apiKey"]

role = Table(
    "role",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False),
    Column("name", String(256), nullable=False),
    Column("policies", JSON, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    UniqueConstraint("organization_id", "name", name="uq_role_name"),
)


@dataclass(frozen=True)
class Holder:
    """Who can hold roles in an organization: a member or an API key.

    Attributes:
        name: a person's address or a key's name.
    """

    kind: HolderKind
    id: str
    name: str
    role_ids: tuple[str, ...]

    @property
    def actor(self) -> str:
        """As the Cloud API writes it: `user/<id>` or `apiKey/<id>`."""
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True)
class StoredRole:
    """A role of an organization's own, with when it was made and last changed."""

    role: Role
    created_at: datetime
    updated_at: datetime


def roles_of(connection: Connection, organization_id: str) -> Roles:
    """All roles of an organization by id: the system's, then its own by name."""
    return {**SYSTEM_ROLES, **{one.role.id: one.role for one in own_roles(connection, organization_id)}}


def roles_held(connection: Connection, organization_id: str, role_ids: Iterable[str]) -> Roles:
    """Enough of an organization's roles to say what these allow; mostly that takes no query."""
    own = {one for one in role_ids if one not in SYSTEM_ROLES}
    if not own:
        return SYSTEM_ROLES
    query = select(role).where(role.c.organization_id == organization_id, role.c.id.in_(own))
    return {**SYSTEM_ROLES, **{row.id: _stored(row).role for row in connection.execute(query)}}


def own_roles(connection: Connection, organization_id: str) -> list[StoredRole]:
    """An organization's own roles, by name."""
    query = select(role).where(role.c.organization_id == organization_id).order_by(role.c.name)
    return [_stored(row) for row in connection.execute(query)]


def every_role(connection: Connection) -> list[StoredRole]:
    """The own roles of every organization."""
    return [_stored(row) for row in connection.execute(select(role).order_by(role.c.id))]


def insert_role(connection: Connection, new: Role, *, now: datetime) -> None:
    """Keep a new role."""
    connection.execute(insert(role).values(**_row(new), created_at=now, updated_at=now))


def update_role(connection: Connection, changed: Role, *, now: datetime) -> None:
    """Replace a role's name and policies."""
    connection.execute(update(role).where(role.c.id == changed.id).values(**_row(changed), updated_at=now))


def delete_role(connection: Connection, role_id: str) -> None:
    """Forget a role."""
    connection.execute(delete(role).where(role.c.id == role_id))


def holders(connection: Connection, organization_id: str) -> list[Holder]:
    """Members by address, then keys by id, each with their roles."""
    people = (
        select(person.c.id, person.c.email, member.c.role_ids)
        .join_from(member, person, member.c.user_id == person.c.id)
        .where(member.c.organization_id == organization_id)
        .order_by(person.c.email)
    )
    keys = (
        select(api_key.c.id, api_key.c.name, api_key.c.role_ids)
        .where(api_key.c.organization_id == organization_id)
        .order_by(api_key.c.id)
    )
    found = [Holder("user", row.id, row.email, tuple(row.role_ids)) for row in connection.execute(people)]
    return found + [Holder("apiKey", row.id, row.name, tuple(row.role_ids)) for row in connection.execute(keys)]


def set_roles(connection: Connection, *, organization_id: str, holder: Holder) -> None:
    """Give a holder the roles that it says, and no others."""
    if holder.kind == "user":
        theirs = update(member).where(member.c.organization_id == organization_id, member.c.user_id == holder.id)
    else:
        theirs = update(api_key).where(api_key.c.organization_id == organization_id, api_key.c.id == holder.id)
    connection.execute(theirs.values(role_ids=list(holder.role_ids)))


def _row(one: Role) -> dict[str, Any]:
    return {
        "id": one.id,
        "organization_id": one.organization_id,
        "name": one.name,
        "policies": [policy_form(policy) for policy in one.policies],
    }


def policy_form(policy: Policy) -> dict[str, Any]:
    """A policy as the database and audit events hold it, in the Cloud API's names."""
    form: dict[str, Any] = {
        "id": policy.id,
        "allowDeny": policy.effect.value,
        "permissions": [permission.value for permission in policy.permissions],
        "resources": list(policy.resources),
    }
    if policy.tags is not None:
        form["tags"] = tags_form(policy.tags)
    return form


def tags_form(tags: PolicyTags) -> dict[str, Any]:
    """Tags in the Cloud API's names; what is not said is left out."""
    said = {"grants": list(tags.databases), "roleV2": None if tags.role is None else tags.role.value}
    return {name: value for name, value in said.items() if value}


def _stored(row: Row[Any]) -> StoredRole:
    policies = tuple(_policy(form) for form in row.policies)
    return StoredRole(Role(row.id, row.name, policies, row.organization_id), row.created_at, row.updated_at)


def _policy(form: dict[str, Any]) -> Policy:
    tags = form.get("tags")
    return Policy(
        id=form["id"],
        effect=Effect(form["allowDeny"]),
        permissions=tuple(Permission(one) for one in form["permissions"]),
        resources=tuple(form["resources"]),
        tags=None if tags is None else _tags(tags),
    )


def _tags(form: dict[str, Any]) -> PolicyTags:
    wanted = form.get("roleV2")
    return PolicyTags(tuple(form.get("grants", ())), None if wanted is None else DatabaseRole(wanted))
