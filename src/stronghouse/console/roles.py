"""Roles: the list, the page of one, its policies and who holds it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.access.roles import actions
from stronghouse.access.roles.actions import ROLES_PER_ORGANIZATION, Described, RoleChange
from stronghouse.access.roles.policies import SERVICE, DatabaseRole, Rights, rights_of
from stronghouse.access.roles.store import Holder
from stronghouse.access.roles.store import holders as holders_of
from stronghouse.access.roles.system import rights
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.console import role_commands
from stronghouse.console.form_errors import REFUSALS, Unfilled, problems_of, status_of
from stronghouse.console.key_view import ABOUT_ROLES
from stronghouse.console.role_forms import PolicyForm, choices, places, read_policy, requests_of
from stronghouse.console.state import Field, Password, Visit, visit
from stronghouse.kernel.errors import Conflict, StronghouseError
from stronghouse.kernel.ids import parse_uuid

router = APIRouter(prefix="/roles")
DONE = {
    "made": "The role is made. It allows nothing yet: add a policy, then give it to somebody.",
    "changed": "The role is changed. Whoever holds it meets the change at the next request.",
    "deleted": "The role is deleted. Whoever held it has lost what only it allowed.",
}
Done = Annotated[str, Query(max_length=16)]
Many = Annotated[list[str] | None, Form(max_length=10_000)]


@router.get("")
def list_page(request: Request, done: Done = "") -> Response:
    """The system's roles and the organization's own."""
    return _list_page(visit(request, Permission.ROLES_MANAGE), done=DONE.get(done))


@router.post("")
def create(request: Request, name: Field = "", current_password: Password = "") -> Response:
    """Make a role, which allows nothing yet."""
    visitor = visit(request, Permission.ROLES_MANAGE)
    try:
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            made = actions.create_role(
                uow,
                name=name.strip(),
                policies=(),
                actors=(),
                organization_id=visitor.organization_id,
                creator=visitor.caller.principal,
                now=visitor.plane.clock.now(),
            )
    except REFUSALS as error:
        return _list_page(visitor, name=name, problems=problems_of(error), status=status_of(error))
    return RedirectResponse(f"/roles/{made.role.id}?done=made", status_code=303)


@router.get("/{role_id}")
def role_page(request: Request, role_id: str, done: Done = "") -> Response:
    """One role."""
    visitor = visit(request, Permission.ROLES_MANAGE)
    return _role_page(visitor, _find(visitor, role_id), done=DONE.get(done))


@router.post("/{role_id}/name")
def rename(request: Request, role_id: str, name: Field = "", current_password: Password = "") -> Response:
    """Call it otherwise."""
    visitor = visit(request, Permission.ROLES_MANAGE)
    return _change(visitor, role_id, lambda _: RoleChange(name=name.strip()), current_password)


@router.post("/{role_id}/policies")
def add_policy(request: Request, role_id: str, form: Annotated[PolicyForm, Form()]) -> Response:
    """Add a policy after the others."""
    visitor = visit(request, Permission.ROLES_MANAGE)
    found = _find(visitor, role_id)
    try:
        wanted = read_policy(form, organization_id=visitor.organization_id)
    except REFUSALS as error:
        return _role_page(visitor, found, form=form, refusal=error)

    def change(now: Described) -> RoleChange:
        return RoleChange(policies=(*requests_of(now.role.policies), wanted))

    return _change(visitor, role_id, change, form.current_password, form=form)


@router.post("/{role_id}/policies/remove")
def remove_policy(request: Request, role_id: str, policy: Field = "", current_password: Password = "") -> Response:
    """Take one policy away."""
    visitor = visit(request, Permission.ROLES_MANAGE)

    def change(now: Described) -> RoleChange:
        rest = [one for one in now.role.policies if one.id != policy]
        if len(rest) == len(now.role.policies):
            raise Conflict("The role has changed since: it has no such policy any more.", code="policy_gone")
        return RoleChange(policies=requests_of(rest))

    return _change(visitor, role_id, change, current_password)


@router.post("/{role_id}/holders")
def hand_out(
    request: Request, role_id: str, holder: Many = None, held: Many = None, current_password: Password = ""
) -> Response:
    """Give it to whoever was ticked and take it from whoever no longer is: `held` had it when the page was shown."""
    visitor = visit(request, Permission.ROLES_MANAGE)
    wanted, shown = holder or [], held or []

    def change(now: Described) -> RoleChange:
        kept = [one for one in now.actors if one in wanted or one not in shown]
        return RoleChange(actors=tuple(dict.fromkeys([*kept, *(one for one in wanted if one not in shown)])))

    return _change(visitor, role_id, change, current_password)


@router.post("/{role_id}/delete")
def delete(request: Request, role_id: str, typed: Field = "", current_password: Password = "") -> Response:
    """Delete a role whose name was typed."""
    visitor = visit(request, Permission.ROLES_MANAGE)
    found = _find(visitor, role_id)
    try:
        if typed != found.role.name:
            raise Unfilled({"typed": "What was typed is not the role's name, so nothing was deleted."})
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            actions.delete_role(
                uow,
                role_id=found.role.id,
                organization_id=visitor.organization_id,
                editor=visitor.caller.principal,
            )
    except REFUSALS as error:
        return _role_page(visitor, found, refusal=error)
    return RedirectResponse("/roles?done=deleted", status_code=303)


def _change(
    visitor: Visit,
    role_id: str,
    change: Callable[[Described], RoleChange],
    password: str,
    *,
    form: PolicyForm | None = None,
) -> Response:
    """Make a change of the role as it is then, and show it; or show it with what was wrong."""
    found = _find(visitor, role_id)
    try:
        visitor.prove(password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            now = actions.describe(uow.connection, organization_id=visitor.organization_id, role_id=found.role.id)
            _update(uow, visitor, found.role.id, change(now))
    except REFUSALS as error:
        return _role_page(visitor, found, form=form, refusal=error)
    return RedirectResponse(f"/roles/{found.role.id}?done=changed", status_code=303)


def _update(uow: UnitOfWork, visitor: Visit, role_id: str, change: RoleChange) -> None:
    actions.update_role(
        uow,
        change,
        role_id=role_id,
        organization_id=visitor.organization_id,
        editor=visitor.caller.principal,
        now=visitor.plane.clock.now(),
    )


def _find(visitor: Visit, role_id: str) -> Described:
    with visitor.plane.database.read() as connection:
        return actions.describe(connection, organization_id=visitor.organization_id, role_id=parse_uuid(role_id))


@dataclass(frozen=True)
class Candidate:
    """Somebody who holds a role or could.

    Attributes:
        fixed: whether they may do more than the visitor, who therefore cannot change them.
    """

    holder: Holder
    holds: bool
    fixed: bool


def _holders(visitor: Visit, found: Described, own: Rights) -> list[Candidate]:
    with visitor.plane.database.read() as connection:
        everyone = holders_of(connection, visitor.organization_id)
    return [
        Candidate(one, one.actor in found.actors, fixed=not own.cover(rights(visitor.roles, one.role_ids)))
        for one in everyone
    ]


def _list_page(
    visitor: Visit,
    *,
    name: str = "",
    done: str | None = None,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    with visitor.plane.database.read() as connection:
        found = actions.describe_all(connection, visitor.organization_id)
    return visitor.page(
        "roles.html",
        status=status,
        roles=found,
        about_roles=ABOUT_ROLES,
        limit=ROLES_PER_ORGANIZATION,
        name=name,
        done=done,
        problems=problems or {},
        audit=Permission.AUDIT_LOG_VIEW,
        command=role_commands.creation(visitor.equivalents, name.strip() or "Analysts"),
    )


def _role_page(
    visitor: Visit,
    found: Described,
    *,
    done: str | None = None,
    form: PolicyForm | None = None,
    refusal: StronghouseError | None = None,
) -> Response:
    role, own = found.role, visitor.caller.principal.rights_in(visitor.organization_id)
    offered = places(visitor)
    return visitor.page(
        "role.html",
        status=200 if refusal is None else status_of(refusal),
        found=found,
        role=role,
        beyond=own.lacking(rights_of([role])),
        about=ABOUT_ROLES.get(role.name) if role.is_system else None,
        done=done,
        problems={} if refusal is None else problems_of(refusal),
        form=form or PolicyForm(),
        places=offered,
        named={f"{SERVICE}{one.value}": one.name for one in offered},
        choices=choices(visitor),
        database_roles=list(DatabaseRole),
        holders=_holders(visitor, found, own),
        audit=Permission.AUDIT_LOG_VIEW,
        policies_command=role_commands.policies(visitor.equivalents, role),
        holders_command=role_commands.holders(visitor.equivalents, role, found.actors),
        deletion=role_commands.deletion(visitor.equivalents, role),
    )
