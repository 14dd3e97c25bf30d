"""What a role says, and what several say together: the one place where it is decided who may do what.

A policy allows or denies permissions on resources: `organization/<id>`, `instance/<id>` (one service) or `instance/*`
(every service of the organization). Everything that no policy allows is denied, and what one policy denies no other
allows (the Cloud API's RBACPolicy; that DENY wins is NIST SP 800-162's deny-overrides).

Invariants:
- `Rights` is made once for each request, so that each decision is one look into a set.
- `Rights` and `explained` agree; a property-based test compares both with a reference that reads the policies only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import chain
from types import MappingProxyType

from stronghouse.access.permissions import Permission, widened

ORGANIZATION, SERVICE = "organization/", "instance/"
EVERY_SERVICE = f"{SERVICE}*"
EVERY_DATABASE = "every database"
ANY_ORGANIZATION = f"{ORGANIZATION}*"
"""In system roles only, which belong to no organization: the one in which somebody holds the role."""


class Effect(StrEnum):
    """Whether a policy allows or denies."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class DatabaseRole(StrEnum):
    """What `sql-console:database:access` lets somebody do in a database."""

    READ_ONLY = "sql-console-readonly"
    ADMIN = "sql-console-admin"


@dataclass(frozen=True)
class PolicyTags:
    """To what `sql-console:database:access` lets.

    Attributes:
        databases: names; none are all of them.
        role: what may be done there.
    """

    databases: tuple[str, ...] = ()
    role: DatabaseRole | None = None


@dataclass(frozen=True)
class Policy:
    """One statement of a role. Order within it is kept, as clients compare it with what they wrote."""

    id: str
    effect: Effect
    permissions: tuple[Permission, ...]
    resources: tuple[str, ...]
    tags: PolicyTags | None = None

    @property
    def sentence(self) -> str:
        """What it says, in one line."""
        said = f"{self.effect} {', '.join(self.permissions)} on {', '.join(self.resources)}"
        if self.tags is None:
            return said
        return f"{said} as {self.tags.role} in {', '.join(self.tags.databases) or EVERY_DATABASE}"

    @cached_property
    def reach(self) -> frozenset[Permission]:
        """Its permissions with all that they include."""
        return widened(self.permissions)


@dataclass(frozen=True)
class Role:
    """A named list of policies.

    Attributes:
        organization_id: whose it is; None for a system role, which every organization has.
    """

    id: str
    name: str
    policies: tuple[Policy, ...]
    organization_id: str | None = None

    @property
    def is_system(self) -> bool:
        """Whether it comes with the product and cannot be changed."""
        return self.organization_id is None

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        """All that it allows on anything."""
        return rights_of([self]).all_permissions

    @property
    def type(self) -> str:
        """As the Cloud API names it."""
        return "system" if self.is_system else "custom"


@dataclass(frozen=True)
class ServiceSet:
    """Some of an organization's services: those that are named or, when `others`, all but those."""

    named: frozenset[str] = frozenset()
    others: bool = False

    def __le__(self, other: "ServiceSet") -> bool:
        """Whether each of these services is one of the others."""
        if self.others:
            return other.others and other.named <= self.named
        return all(one in other for one in self.named)

    def __contains__(self, service_id: str) -> bool:
        """Whether a service is one of them."""
        return (service_id in self.named) != self.others


@dataclass(frozen=True)
class Grant:
    """Access to databases.

    Attributes:
        resource: one service or every one, as policies name it.
        database: its name; None for all of them.
    """

    resource: str
    role: DatabaseRole
    database: str | None = None

    def is_within(self, others: frozenset["Grant"]) -> bool:
        """Whether one of `others` allows as much."""
        return any(
            Grant(resource, role, database) in others
            for resource in (self.resource, EVERY_SERVICE)
            for role in (self.role, DatabaseRole.ADMIN)
            for database in (self.database, None)
        )


@dataclass(frozen=True)
class Rights:
    """What somebody may do in one organization.

    Attributes:
        organization: permissions on the organization itself.
        services: permissions on each service that `named` does not have.
        named: permissions on services that some policy names.
        databases: to what `sql-console:database:access` lets, where it is allowed.
    """

    organization: frozenset[Permission] = frozenset()
    services: frozenset[Permission] = frozenset()
    named: Mapping[str, frozenset[Permission]] = field(default_factory=lambda: MappingProxyType({}))
    databases: frozenset["Grant"] = frozenset()

    def may(self, permission: Permission, service_id: str | None = None) -> bool:
        """Whether `permission` is held: on the organization or this service, by its scope.

        Without a service a permission on services is held when it is on any: what is shown then has to be narrowed.
        """
        if permission in self.organization:
            return True
        if service_id is not None:
            return permission in self.at(service_id)
        return permission in self.services or any(permission in held for held in self.named.values())

    def at(self, service_id: str) -> frozenset[Permission]:
        """What is held on one service."""
        return self.named.get(service_id, self.services)

    def services_with(self, permission: Permission) -> ServiceSet:
        """The services on which `permission` is held."""
        others = permission in self.services
        return ServiceSet(frozenset(one for one, held in self.named.items() if (permission in held) != others), others)

    def cover(self, other: "Rights", *, beyond: "Rights | None" = None) -> bool:
        """Whether all of `other` is held here, apart from what `beyond` has already."""
        return self.lacking(other, beyond=beyond) is None

    def lacking(self, other: "Rights", *, beyond: "Rights | None" = None) -> Permission | None:
        """A permission that `other` has and neither this nor `beyond`, always the same one of several."""
        known = beyond or NOTHING
        missing = other.organization - known.organization - self.organization
        missing |= other.services - known.services - self.services
        for service_id in {*other.named, *known.named, *self.named}:
            missing |= other.at(service_id) - known.at(service_id) - self.at(service_id)
        if any(not one.is_within(self.databases | known.databases) for one in other.databases):
            missing |= {Permission.DATABASE_ACCESS}
        return min(missing, default=None)

    @property
    def all_permissions(self) -> frozenset[Permission]:
        """Every permission that is held on anything."""
        return frozenset(chain(self.organization, self.services, *self.named.values()))


NOTHING = Rights()


@dataclass(frozen=True)
class Decision:
    """Why something is allowed or denied.

    Attributes:
        role, policy: what decided; None when nothing allows it.
        position: the place of the policy in its role, from 1.
    """

    role: Role | None = None
    policy: Policy | None = None
    position: int | None = None

    @property
    def allowed(self) -> bool:
        """Whether it is allowed."""
        return self.policy is not None and self.policy.effect is Effect.ALLOW


def rights_of(roles: Iterable[Role]) -> Rights:
    """What these roles allow together."""
    policies = [policy for role in roles for policy in role.policies]
    allowed, denied = _Collected(), _Collected()
    for policy in policies:
        (allowed if policy.effect is Effect.ALLOW else denied).add(policy)
    return Rights(
        organization=frozenset(allowed.organization - denied.organization),
        services=frozenset(allowed.services - denied.services),
        named=MappingProxyType(
            {
                service_id: frozenset(allowed.at(service_id) - denied.at(service_id))
                for service_id in {*allowed.named, *denied.named}
            }
        ),
        databases=frozenset(allowed.databases),
    )


def explained(roles: Iterable[Role], permission: Permission, service_id: str | None = None) -> Decision:
    """What decides about `permission` on the organization or, by its scope, on a service or on every one.

    The first policy that denies it, else the first that allows it, in the order of roles and policies.
    """
    resources = {ANY_ORGANIZATION} if permission.scope == "organization" else {EVERY_SERVICE}
    if permission.scope == "service" and service_id is not None:
        resources.add(f"{SERVICE}{service_id}")
    allowing: Decision | None = None
    for role in roles:
        for position, policy in enumerate(role.policies, 1):
            if permission not in policy.reach or not _concerns(policy, resources):
                continue
            if policy.effect is Effect.DENY:
                return Decision(role, policy, position)
            allowing = allowing or Decision(role, policy, position)
    return allowing or Decision()


def _concerns(policy: Policy, resources: set[str]) -> bool:
    """Whether a policy is about one of these; a role's organization is always the one that is asked about."""
    named = {ANY_ORGANIZATION if one.startswith(ORGANIZATION) else one for one in policy.resources}
    return not named.isdisjoint(resources)


class _Collected:
    """The permissions of several policies of one effect."""

    def __init__(self) -> None:
        self.organization: set[Permission] = set()
        self.services: set[Permission] = set()
        self.named: dict[str, set[Permission]] = {}
        self.databases: set[Grant] = set()

    def add(self, policy: Policy) -> None:
        own = {permission for permission in policy.reach if permission.scope == "organization"}
        of_services = policy.reach - own
        for resource in policy.resources:
            if resource.startswith(ORGANIZATION):
                self.organization |= own
            elif resource == EVERY_SERVICE:
                self.services |= of_services
            else:
                self.named.setdefault(resource.removeprefix(SERVICE), set()).update(of_services)
        if policy.tags is not None and policy.tags.role is not None and Permission.DATABASE_ACCESS in own | of_services:
            self.databases |= {
                Grant(resource, policy.tags.role, database)
                for resource in policy.resources
                for database in policy.tags.databases or (None,)
            }

    def at(self, service_id: str) -> set[Permission]:
        return self.services | self.named.get(service_id, set())
