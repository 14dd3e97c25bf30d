"""`/v1/organizations/{organization}/roles`, and why somebody may or may not do something."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.access.roles import actions, explanation
from stronghouse.access.roles.actions import Described, RoleChange
from stronghouse.access.roles.policies import ANY_ORGANIZATION, ORGANIZATION, DatabaseRole, Effect, Policy, PolicyTags
from stronghouse.access.roles.requests import PolicyRequest
from stronghouse.access.roles.store import tags_form
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import store as services

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")


class TagsBody(Body):
    """To what `sql-console:database:access` lets."""

    grants: list[str] | None = Field(default=None, max_length=1000)
    roleV2: DatabaseRole | None = None  # noqa: N815 - the wire's name


class PolicyBody(Body):
    """A policy."""

    allowDeny: Literal["ALLOW", "DENY"]  # noqa: N815
    permissions: list[str] = Field(max_length=200)
    resources: list[str] = Field(max_length=1000)
    tags: TagsBody | None = None


class RolePost(Body):
    """A new role."""

    name: str
    policies: list[PolicyBody] = Field(max_length=200)
    actors: list[str] = Field(max_length=10_000)


class RolePatch(Body):
    """A change of a role; lists replace."""

    name: str | None = None
    policies: list[PolicyBody] | None = Field(default=None, max_length=200)
    actors: list[str] | None = Field(default=None, max_length=10_000)


@router.get("/roles")
@access(Permission.ROLES_MANAGE)
def list_roles(request: Request, organization_id: str) -> Response:
    """The system's roles, then the organization's own by name."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = actions.describe_all(connection, organization_id)
    return success(request, [view(one, organization_id) for one in found])


@router.post("/roles")
@access(Permission.ROLES_MANAGE)
def create_role(request: Request, organization_id: str, body: RolePost) -> Response:
    """Create a role and give it to its actors."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        created = actions.create_role(
            uow,
            name=body.name,
            policies=_requests(body.policies),
            actors=body.actors,
            organization_id=organization_id,
            creator=caller.principal,
            now=plane.clock.now(),
        )
    return success(request, view(created, organization_id))


@router.get("/roles/{role_id}")
@access(Permission.ROLES_MANAGE)
def get_role(request: Request, organization_id: str, role_id: str) -> Response:
    """One role."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = actions.describe(connection, organization_id=organization_id, role_id=parse_uuid(role_id))
    return success(request, view(found, organization_id))


@router.patch("/roles/{role_id}")
@access(Permission.ROLES_MANAGE)
def update_role(request: Request, organization_id: str, role_id: str, body: RolePatch) -> Response:
    """Change a role; of a system role only who holds it."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    change = RoleChange(
        name=body.name,
        policies=None if body.policies is None else _requests(body.policies),
        actors=None if body.actors is None else tuple(body.actors),
    )
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = actions.update_role(
            uow,
            change,
            role_id=parse_uuid(role_id),
            organization_id=organization_id,
            editor=caller.principal,
            now=plane.clock.now(),
        )
    return success(request, view(changed, organization_id))


@router.delete("/roles/{role_id}")
@access(Permission.ROLES_MANAGE)
def delete_role(request: Request, organization_id: str, role_id: str) -> Response:
    """Delete a role; whoever holds it loses what only it allowed."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        actions.delete_role(uow, role_id=parse_uuid(role_id), organization_id=organization_id, editor=caller.principal)
    return success(request)


@router.get("/accessExplanation")
@access(Permission.ROLES_MANAGE)
def explain_access(
    request: Request,
    organization_id: str,
    who: Annotated[str, Query(min_length=1, max_length=320)],
    permission: Annotated[str, Query(min_length=1, max_length=100)],
    resource: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Whether a member (address or `user/<id>`) or key (`apiKey/<id>`) holds a permission, and what decides it."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = explanation.explain(
            connection,
            organization_id=organization_id,
            who=who,
            permission=permission,
            resource=resource,
            services=services.names(connection, organization_id=organization_id),
        )
    decision = found.decision
    result: dict[str, object] = {
        "actor": found.holder.actor,
        "name": found.holder.name,
        "permission": found.permission.value,
        "resource": found.resource,
        "allowed": decision.allowed,
        "reason": found.sentence,
        "roles": [{"roleId": role.id, "roleName": role.name, "roleType": role.type} for role in found.roles],
    }
    if decision.role is not None and decision.policy is not None:
        result["decidedBy"] = {
            "roleId": decision.role.id,
            "roleName": decision.role.name,
            "policyId": decision.policy.id,
            "policyNumber": decision.position,
            "policy": decision.policy.sentence,
        }
    return success(request, result)


def view(one: Described, organization_id: str) -> dict[str, object]:
    """A role as the API shows it."""
    tenant = f"{ORGANIZATION}{organization_id}"
    shown: dict[str, object] = {
        "id": one.role.id,
        "tenantId": tenant,
        "ownerId": tenant,
        "name": one.role.name,
        "type": one.role.type,
        "actors": list(one.actors),
        "policies": [_policy(policy, one.role.id, tenant) for policy in one.role.policies],
    }
    if one.created_at is not None:
        shown["createdAt"] = rfc3339(one.created_at)
    if one.updated_at is not None:
        shown["updatedAt"] = rfc3339(one.updated_at)
    return shown


def _policy(policy: Policy, role_id: str, tenant: str) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": policy.id,
        "roleId": role_id,
        "tenantId": tenant,
        "allowDeny": policy.effect.value,
        "permissions": [permission.value for permission in policy.permissions],
        "resources": [tenant if one == ANY_ORGANIZATION else one for one in policy.resources],
    }
    if policy.tags is not None:
        shown["tags"] = tags_form(policy.tags)
    return shown


def _requests(policies: list[PolicyBody]) -> tuple[PolicyRequest, ...]:
    return tuple(
        PolicyRequest(
            effect=Effect(one.allowDeny),
            permissions=tuple(one.permissions),
            resources=tuple(one.resources),
            tags=None if one.tags is None else _tags(one.tags),
        )
        for one in policies
    )


def _tags(body: TagsBody) -> PolicyTags | None:
    """Tags that say nothing are none."""
    return PolicyTags(tuple(body.grants or ()), body.roleV2) if body.grants or body.roleV2 else None
