"""Who may do what on the control plane: members, their ways to sign in, and API keys, as the database holds them."""

from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.events import SignedIn
from stronghouse.access.model import ApiKey, Membership
from stronghouse.access.roles.store import roles_of
from stronghouse.access.roles.system import Roles, administers, rights
from stronghouse.audit import store as audit
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.organizations import store as organizations
from stronghouse.organizations.model import Organization
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 2
METHOD = (
    "The tables of organizations, members, people, second factors, sign-in policies, sessions, one-time links and API "
    "keys in one snapshot of the control plane's database; the time of the last sign-in is that of the newest event "
    "`user.sign_in` in the audit log. A second factor is an authenticator app or a passkey that is set up; every "
    "sign-in then asks for it."
)


def collect_control_access(connection: Connection, *, clock: Clock) -> Facts:
    """Facts about each organization, member and API key, for that organization alone."""
    now = clock.now()
    operator = organizations.first_id(connection)
    every = organizations.every_organization(connection)
    roles = {one.id: roles_of(connection, one.id) for one in every}
    members = access.every_membership(connection, now=now)
    keys = [key for key, _ in access.every_key(connection)]
    maximum = {one.id: access.maximum_key_lifetime(connection, one.id) for one in every}
    signed_in = _last_sign_ins(connection)
    resources = [
        *(_organization(one, members, keys, roles[one.id], operator=operator) for one in every),
        *(_member(one, signed_in, roles[one.organization_id], operator=operator) for one in members),
        *(_key(one, roles[one.organization_id], maximum[one.organization_id], operator=operator) for one in keys),
    ]
    return Facts(
        collector="control_access",
        version=VERSION,
        method=METHOD,
        target="members and API keys of every organization",
        collected_at=now,
        resources=tuple(resources),
    )


def _last_sign_ins(connection: Connection) -> dict[str, tuple[str, str]]:
    """The time and method of each person's newest sign-in; later entries replace earlier ones."""
    found: dict[str, tuple[str, str]] = {}
    for entry in audit.entries_of(connection, [SignedIn.code]):
        data = entry.event()["data"]
        if isinstance(data, dict):
            found[str(data.get("user_id"))] = rfc3339(entry.created_at), str(data.get("method"))
    return found


def role_names(role_ids: tuple[str, ...], roles: Roles) -> list[Json]:
    """Roles by name; one that no longer exists by its id."""
    return [roles[role_id].name if role_id in roles else role_id for role_id in role_ids]


def _organization(
    organization: Organization, members: list[Membership], keys: list[ApiKey], roles: Roles, *, operator: str | None
) -> Resource:
    own = [one for one in members if one.organization_id == organization.id]
    own_keys = [one for one in keys if one.organization_id == organization.id and one.state == "enabled"]
    return Resource(
        {
            "id": f"organization/{organization.id}",
            "kind": "organization",
            "organization_id": organization.id,
            "operator": organization.id == operator,
            "name": organization.name,
            "members": len(own),
            "administrators": [one.user.email for one in own if administers(rights(roles, one.role_ids))],
            "enabled_keys": len(own_keys),
            "administrator_keys": [one.name for one in own_keys if administers(rights(roles, one.role_ids))],
        }
    )


def _member(
    member: Membership, signed_in: dict[str, tuple[str, str]], roles: Roles, *, operator: str | None
) -> Resource:
    at, method = signed_in.get(member.user.id, (None, None))
    return Resource(
        {
            "id": f"member/{member.organization_id}/{member.user.id}",
            "kind": "member",
            "organization_id": member.organization_id,
            "operator": member.organization_id == operator,
            "email": member.user.email,
            "roles": role_names(member.role_ids, roles),
            "has_password": member.user.password_hash is not None,
            "second_factor": member.second_factor,
            "open_sessions": member.open_sessions,
            "open_links": member.open_links,
            "links_until": None if member.links_until is None else rfc3339(member.links_until),
            "last_sign_in_at": at,
            "last_sign_in_method": method,
        }
    )


def _key(key: ApiKey, roles: Roles, maximum_days: int | None, *, operator: str | None) -> Resource:
    return Resource(
        {
            "id": f"api_key/{key.id}",
            "kind": "api_key",
            "organization_id": key.organization_id,
            "operator": key.organization_id == operator,
            "name": key.name,
            "state": key.state,
            "roles": role_names(key.role_ids, roles),
            "sources": [entry.source for entry in key.ip_access],
            "created_at": rfc3339(key.created_at),
            "expires_at": None if key.expires_at is None else rfc3339(key.expires_at),
            "used_at": None if key.used_at is None else rfc3339(key.used_at),
            "maximum_lifetime_days": maximum_days,
        }
    )
