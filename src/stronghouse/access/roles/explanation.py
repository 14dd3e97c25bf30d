"""Why somebody may or may not do something: which role and which policy of it decides."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.holding import standing
from stronghouse.access.roles.policies import EVERY_SERVICE, ORGANIZATION, SERVICE, Decision, Role, explained, rights_of
from stronghouse.access.roles.store import Holder
from stronghouse.access.roles.system import held
from stronghouse.kernel.errors import Invalid, NotFound


@dataclass(frozen=True)
class Explanation:
    """A decision with what it is about.

    Attributes:
        resource: as policies name it; `instance/*` when no service was named.
        roles: all that the holder has.
        differing: on how many services it is decided otherwise than on the others; 0 where one was named.
    """

    holder: Holder
    permission: Permission
    resource: str
    roles: tuple[Role, ...]
    decision: Decision
    differing: int = 0

    @property
    def sentence(self) -> str:
        """The decision in words."""
        may = "may" if self.decision.allowed else "may not"
        said = f"{self.holder.name} {may} {self.permission.value} on {self.resource}"
        if self.decision.role is None or self.decision.policy is None:
            names = ", ".join(role.name for role in self.roles) or "none"
            return f"{said}: no policy of their roles ({names}) allows it.{self._but}"
        effect = "allows" if self.decision.allowed else "denies"
        return f"{said}: policy {self.decision.position} of the role {self.decision.role.name} {effect} it.{self._but}"

    @property
    def _but(self) -> str:
        if not self.differing:
            return ""
        services = "one service" if self.differing == 1 else f"{self.differing} services"
        return f" On {services}, which policies name, it is decided otherwise: ask about the service."


def explain(
    connection: Connection,
    *,
    organization_id: str,
    who: str,
    permission: str,
    resource: str | None,
    services: Collection[str],
) -> Explanation:
    """What decides about a permission for a member or a key of an organization, at this moment.

    Args:
        connection: to the database.
        organization_id: whose roles decide.
        who: a member's address, `user/<id>`, `apiKey/<id>`, or a key's name that no other key has.
        permission: its name.
        resource: `instance/<id>`, a service's id, or `organization/<id>`; None for the organization, or for every
            service.
        services: the ids of the organization's services.

    Raises:
        NotFound: there is no such member, key or service.
        Invalid: there is no such permission, or it is about something else than the resource.
    """
    try:
        wanted = Permission(permission)
    except ValueError:
        raise Invalid(f"There is no permission {permission[:80]!r}.", code="permission_unknown") from None
    now = standing(connection, organization_id)
    holder = _holder(list(now.holders.values()), who)
    service_id = _service(wanted, resource, organization_id=organization_id, services=services)
    shown = f"{ORGANIZATION}{organization_id}" if wanted.scope == "organization" else EVERY_SERVICE
    roles = held(now.roles, holder.role_ids)
    decision = explained(roles, wanted, service_id)
    differing = 0
    if wanted.scope == "service" and service_id is None:
        named = rights_of(roles).services_with(wanted).named
        differing = len(named.intersection(services))
    return Explanation(
        holder=holder,
        permission=wanted,
        resource=shown if service_id is None else f"{SERVICE}{service_id}",
        roles=roles,
        decision=decision,
        differing=differing,
    )


def _holder(holders: list[Holder], who: str) -> Holder:
    wanted = who.strip()
    found = [
        one for one in holders if wanted in {one.actor, one.id} or (one.kind, one.name) == ("user", wanted.lower())
    ]
    found = found or [one for one in holders if (one.kind, one.name) == ("apiKey", wanted)]
    if len(found) > 1:
        raise Invalid(f"Several API keys are named {wanted[:80]!r}; say apiKey/<id>.", code="holder_ambiguous")
    if not found:
        raise NotFound(f"There is no member and no API key {wanted[:80]!r}.")
    return found[0]


def _service(
    permission: Permission, resource: str | None, *, organization_id: str, services: Collection[str]
) -> str | None:
    """The service that is asked about; None for all, and for a permission on the organization."""
    named = (resource or "").strip().lower()
    if permission.scope == "organization":
        if named not in {"", f"{ORGANIZATION}{organization_id}"}:
            raise Invalid(f"{permission.value} is about the organization, not about a service.", code="resource_scope")
        return None
    if named.startswith(ORGANIZATION):
        raise Invalid(f"{permission.value} is about services, not about the organization.", code="resource_scope")
    service_id = named.removeprefix(SERVICE)
    if service_id in {"", "*"}:
        return None
    if service_id not in services:
        raise NotFound(f"There is no service {service_id[:64]!r}.")
    return service_id
