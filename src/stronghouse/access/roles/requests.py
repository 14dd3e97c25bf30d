"""A role's policies as a caller writes them, read and checked."""

from collections.abc import Iterable
from dataclasses import dataclass

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import (
    EVERY_DATABASE,
    EVERY_SERVICE,
    ORGANIZATION,
    SERVICE,
    Effect,
    Policy,
    PolicyTags,
)
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import new_id, parse_uuid

MAX_POLICIES = 200
MAX_RESOURCES = 1000
"""In all policies of one role together."""
MAX_DATABASE = 256
MAX_DATABASES = 100


@dataclass(frozen=True)
class PolicyRequest:
    """A policy as a caller writes it."""

    effect: Effect
    permissions: tuple[str, ...]
    resources: tuple[str, ...]
    tags: PolicyTags | None = None


def policies_of(requests: Iterable[PolicyRequest], *, organization_id: str) -> tuple[Policy, ...]:
    """The policies that are asked for, each with a new id.

    Raises:
        Invalid: a permission or a resource is none, one policy mixes scopes, tags do not fit, or there are too many.
    """
    wanted = tuple(requests)
    if len(wanted) > MAX_POLICIES:
        raise Invalid(f"A role has at most {MAX_POLICIES} policies.", code="policies_exhausted")
    policies = tuple(_policy(one, organization_id=organization_id) for one in wanted)
    if sum(len(one.resources) for one in policies) > MAX_RESOURCES:
        raise Invalid(f"A role names at most {MAX_RESOURCES} resources.", code="policies_exhausted")
    return policies


def _policy(request: PolicyRequest, *, organization_id: str) -> Policy:
    if not request.permissions or not request.resources or len(request.resources) > MAX_RESOURCES:
        raise Invalid(
            f"A policy names at least one permission and 1 to {MAX_RESOURCES} resources.", code="policy_incomplete"
        )
    permissions = tuple(dict.fromkeys(_permission(one) for one in request.permissions))
    resources = tuple(dict.fromkeys(_resource(one, organization_id=organization_id) for one in request.resources))
    scopes = {one.scope for one in permissions}
    if len(scopes) > 1:
        raise Invalid("All permissions in a policy must target the same resource scope.", code="policy_scopes")
    fitting = ORGANIZATION if "organization" in scopes else SERVICE
    if not all(one.startswith(fitting) for one in resources):
        raise Invalid(
            f"These permissions take resources that begin with {fitting}, as in {fitting}"
            f"{'<id>' if fitting == ORGANIZATION else '*'}.",
            code="policy_scopes",
        )
    _check_tags(request.tags, permissions)
    return Policy(new_id(), request.effect, permissions, resources, request.tags)


def _permission(value: str) -> Permission:
    try:
        return Permission(value)
    except ValueError:
        raise Invalid(f"There is no permission {value[:80]!r}.", code="permission_unknown") from None


def _resource(value: str, *, organization_id: str) -> str:
    text = value.strip().lower()
    if text.startswith(ORGANIZATION):
        if text != f"{ORGANIZATION}{organization_id}":
            raise Invalid(
                f"Organization {text.removeprefix(ORGANIZATION)[:64]} must match the role's organization.",
                code="resource_foreign",
            )
        return text
    if text == EVERY_SERVICE or (text.startswith(SERVICE) and _is_uuid(text.removeprefix(SERVICE))):
        return text
    raise Invalid(
        f"{value[:80]!r} names no resource; one is organization/<id>, instance/<id> or instance/*.",
        code="resource_unknown",
    )


def _is_uuid(text: str) -> bool:
    try:
        return parse_uuid(text) == text
    except NotFound:
        return False


def _check_tags(tags: PolicyTags | None, permissions: tuple[Permission, ...]) -> None:
    access = Permission.DATABASE_ACCESS in permissions
    if access and (tags is None or tags.role is None):
        raise Invalid(
            f"{Permission.DATABASE_ACCESS} needs the tag roleV2: sql-console-readonly or sql-console-admin.",
            code="policy_tags",
        )
    if tags is not None and not access:
        raise Invalid(f"Tags go with {Permission.DATABASE_ACCESS} only.", code="policy_tags")
    names = () if tags is None else tags.databases
    if len(names) > MAX_DATABASES:
        raise Invalid(f"A policy names at most {MAX_DATABASES} databases.", code="policy_tags")
    for name in names:
        # A policy is told as a sentence, which must say one thing only: so no comma, and not the words for all.
        plain = name.isprintable() and name == name.strip() and "," not in name and name != EVERY_DATABASE
        if not 1 <= len(name) <= MAX_DATABASE or not plain:
            raise Invalid("A database's name has 1 to 256 printable characters and no comma.", code="policy_tags")
