"""API keys: the list, the page of one, enabling, disabling and deleting it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access import api_keys, store
from stronghouse.access.api_keys import KEYS_PER_ORGANIZATION, KeyChange
from stronghouse.access.key_policy import maximum_lifetime_days
from stronghouse.access.model import ApiKey
from stronghouse.access.permissions import Permission
from stronghouse.console import key_commands
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.key_history import Happening, history_of
from stronghouse.console.key_view import ABOUT_ROLES, STATES, KeyState, Order, Wanted, line_of, select
from stronghouse.console.state import Field, Password, Visit, visit
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid

router = APIRouter(prefix="/keys")
DONE = {
    "changed": "The key is changed. Whoever uses it meets the change at the next request.",
    "enabled": "The key works again.",
    "disabled": "The key is disabled: it is refused from the next request on.",
}
LIST_DONE = {
    "deleted": "The key is deleted: it is refused from the next request on.",
    "policy": "The maximum lifetime is set, for keys that are made or get a later end from now on.",
}
Done = Annotated[str, Query(max_length=16)]


@router.get("")
def list_page(
    request: Request,
    q: Annotated[str, Query(max_length=256)] = "",
    state: KeyState | Literal[""] = "",
    order: Order = "newest",
    done: Done = "",
) -> Response:
    """The organization's keys: all on one page, since there are never more than a hundred."""
    visitor = visit(request, Permission.API_KEYS_VIEW)
    now, wanted = visitor.plane.clock.now(), Wanted(q, state, order)
    with visitor.plane.database.read() as connection:
        keys = store.keys(connection, organization_id=visitor.organization_id)
        days = maximum_lifetime_days(connection, visitor.organization_id)
    return visitor.page(
        "keys.html",
        maximum_days=days,
        may_set_maximum=visitor.may(Permission.ORGANIZATION_MANAGE),
        lines=select(keys, wanted, now, visitor.roles),
        total=len(keys),
        limit=KEYS_PER_ORGANIZATION,
        wanted=wanted,
        states=STATES,
        done=LIST_DONE.get(done),
        may_create=visitor.may(Permission.API_KEYS_CREATE),
        create_permission=Permission.API_KEYS_CREATE,
        audit=Permission.AUDIT_LOG_VIEW,
    )


@router.get("/{key_id}")
def key_page(request: Request, key_id: str, done: Done = "") -> Response:
    """One key."""
    visitor = visit(request, Permission.API_KEYS_VIEW)
    return _key_page(visitor, find_key(visitor, key_id), done=DONE.get(done))


@router.post("/{key_id}/state")
def switch(request: Request, key_id: str, state: Field = "", current_password: Password = "") -> Response:
    """Enable or disable a key."""
    visitor = visit(request, Permission.API_KEYS_UPDATE)
    key = find_key(visitor, key_id)
    try:
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            api_keys.update_key(
                uow,
                KeyChange(state=_switched(state)),
                organization_id=visitor.organization_id,
                key_id=key.id,
                editor=visitor.caller.principal,
                now=visitor.plane.clock.now(),
            )
    except REFUSALS as error:
        return _key_page(visitor, key, problems=problems_of(error), status=status_of(error))
    return RedirectResponse(f"/keys/{key.id}?done={state}", status_code=303)


@router.post("/{key_id}/delete")
def delete(request: Request, key_id: str, typed: Field = "", current_password: Password = "") -> Response:
    """Delete a key whose name was typed."""
    visitor = visit(request, Permission.API_KEYS_DELETE)
    key = find_key(visitor, key_id)
    try:
        if typed != key.name:
            raise Conflict("What was typed is not the key's name, so nothing was deleted.", code="name_mismatch")
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            api_keys.delete_key(
                uow, organization_id=visitor.organization_id, key_id=key.id, editor=visitor.caller.principal
            )
    except REFUSALS as error:
        return _key_page(visitor, key, problems=problems_of(error), status=status_of(error))
    return RedirectResponse("/keys?done=deleted", status_code=303)


def _switched(state: str) -> Literal["enabled", "disabled"]:
    match state:
        case "enabled":
            return "enabled"
        case "disabled":
            return "disabled"
    raise Invalid("A key is enabled or disabled.", code="state_invalid")


def find_key(visitor: Visit, key_id: str) -> ApiKey:
    """A key of the visitor's organization; raises NotFound."""
    with visitor.plane.database.read() as connection:
        key = store.key(connection, organization_id=visitor.organization_id, key_id=parse_uuid(key_id))
    if key is None:
        raise NotFound("There is no such API key. It may have been deleted.")
    return key


def history(visitor: Visit, key: ApiKey) -> list[Happening]:
    """What the audit log says of a key lately, the newest first; nothing to who may not read the log."""
    if not visitor.may(Permission.AUDIT_LOG_VIEW):
        return []
    with visitor.plane.database.read() as connection:
        return history_of(connection, key, visitor.roles)


def _key_page(
    visitor: Visit,
    key: ApiKey,
    *,
    done: str | None = None,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    now = visitor.plane.clock.now()
    with visitor.plane.database.read() as connection:
        keys = store.keys(connection, organization_id=visitor.organization_id)
    other = "enabled" if key.state == "disabled" else "disabled"
    return visitor.page(
        "key.html",
        status=status,
        line=line_of(key, now, visitor.roles),
        others_that_work=sum(line_of(one, now, visitor.roles).works for one in keys if one.id != key.id),
        done=done,
        problems=problems or {},
        history=history(visitor, key),
        about_roles=ABOUT_ROLES,
        may_update=visitor.may(Permission.API_KEYS_UPDATE),
        update_permission=Permission.API_KEYS_UPDATE,
        may_delete=visitor.may(Permission.API_KEYS_DELETE),
        delete_permission=Permission.API_KEYS_DELETE,
        may_rotate=visitor.may(Permission.API_KEYS_CREATE) and visitor.may(Permission.API_KEYS_UPDATE),
        rotate_permission=Permission.API_KEYS_CREATE,
        audit=Permission.AUDIT_LOG_VIEW,
        switch=key_commands.switch(visitor.equivalents, key, other),
        deletion=key_commands.deletion(visitor.equivalents, key),
    )
