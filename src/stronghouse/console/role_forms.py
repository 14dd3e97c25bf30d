"""What somebody fills in about a role's policies, and the places and permissions on offer."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import EVERY_SERVICE, ORGANIZATION, SERVICE, DatabaseRole, Effect, Policy
from stronghouse.access.roles.policies import PolicyTags as Tags
from stronghouse.access.roles.requests import PolicyRequest
from stronghouse.console.form_errors import Unfilled
from stronghouse.console.state import Visit
from stronghouse.services import store as services

OWN = "organization"
ALL_SERVICES = "services"


class PolicyForm(BaseModel):
    """The fields of a policy that is added to a role. `place` is "organization", "services", or a service's id."""

    effect: str = Field(default="ALLOW", max_length=8)
    place: str = Field(default=OWN, max_length=64)
    permission: list[str] = Field(default_factory=list, max_length=200)
    database_role: str = Field(default="", max_length=64)
    databases: str = Field(default="", max_length=4000)
    current_password: str = Field(default="", max_length=512, repr=False)


@dataclass(frozen=True)
class Place:
    """Something that a policy can be about."""

    value: str
    name: str
    scope: str


@dataclass(frozen=True)
class Choice:
    """A permission on offer.

    Attributes:
        held: whether the visitor holds it themselves, without which they cannot allow it.
    """

    permission: Permission
    held: bool


def places(visitor: Visit) -> list[Place]:
    """The organization, every service, and each of those that the visitor sees."""
    with visitor.plane.database.read() as connection:
        found = services.find_all(connection, organization_id=visitor.organization_id)
    return [
        Place(OWN, "the organization", "organization"),
        Place(ALL_SERVICES, "every service", "service"),
        *(Place(one.id, f"the service {one.name}", "service") for one in found if one.id in visitor.seen_services),
    ]


def choices(visitor: Visit) -> dict[str, list[Choice]]:
    """Every permission, by what it is about."""
    own = visitor.caller.principal.rights_in(visitor.organization_id)
    listed = [Choice(one, own.may(one)) for one in Permission]
    return {scope: [one for one in listed if one.permission.scope == scope] for scope in ("organization", "service")}


def read_policy(form: PolicyForm, *, organization_id: str) -> PolicyRequest:
    """What a form says; what of it fits together is for the roles to say.

    Raises:
        Unfilled: no effect, no permission, or none for the place.
    """
    if form.effect not in {"ALLOW", "DENY"}:
        raise Unfilled({"effect": "A policy allows or denies."})
    about = "organization" if form.place == OWN else "service"
    wanted = [one for one in form.permission if _scope(one) == about]
    if not wanted:
        raise Unfilled({"permission": "Choose at least one permission for this place."})
    resources = {OWN: f"{ORGANIZATION}{organization_id}", ALL_SERVICES: EVERY_SERVICE}
    return PolicyRequest(
        effect=Effect(form.effect),
        permissions=tuple(wanted),
        resources=(resources.get(form.place, f"{SERVICE}{form.place}"),),
        tags=_tags(form) if Permission.DATABASE_ACCESS.value in wanted else None,
    )


def requests_of(policies: Iterable[Policy]) -> tuple[PolicyRequest, ...]:
    """Policies that there are, as somebody would ask for them again."""
    return tuple(
        PolicyRequest(one.effect, tuple(held.value for held in one.permissions), one.resources, one.tags)
        for one in policies
    )


def _scope(value: str) -> str:
    try:
        return Permission(value).scope
    except ValueError:
        return ""


def _tags(form: PolicyForm) -> Tags:
    databases = tuple(dict.fromkeys(one.strip() for one in form.databases.split(",") if one.strip()))
    try:
        return Tags(databases, DatabaseRole(form.database_role))
    except ValueError:
        raise Unfilled({"database_role": "Say what may be done in the databases."}) from None
