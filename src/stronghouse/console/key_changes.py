"""Changing an API key: what the change would do is shown first, and done only to the key that it was shown for."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access import api_keys
from stronghouse.access.model import ApiKey
from stronghouse.access.permissions import Permission
from stronghouse.console import key_commands
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.key_forms import (
    MAX_LIST,
    ChangeForm,
    KeyPreview,
    WantedKey,
    change_of,
    key_version,
    last_day,
    preview_of,
    read_form,
)
from stronghouse.console.key_view import ABOUT_ROLES, grantable, line_of
from stronghouse.console.keys import find_key, history
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.errors import Conflict
from stronghouse.services.access_preview import format_lines

router = APIRouter(prefix="/keys/{key_id}/change")
STALE = "key_changed"


@router.get("")
def form_page(request: Request, key_id: str) -> Response:
    """The form, with the key as it is."""
    visitor = visit(request, Permission.API_KEYS_UPDATE)
    key = find_key(visitor, key_id)
    form = ChangeForm.model_construct(  # what is stored is shown, whatever a form may hold
        name=key.name,
        role=list(key.role_ids),
        sources=format_lines(key.ip_access),
        expiry="keep",
        last_day=last_day(key.expires_at),
    )
    return _page(visitor, key, form)


@router.post("")
def change(request: Request, key_id: str, form: Annotated[ChangeForm, Form()]) -> Response:
    """Show what a change would do, or do it."""
    visitor = visit(request, Permission.API_KEYS_UPDATE)
    plane = visitor.plane
    key, now = find_key(visitor, key_id), plane.clock.now()
    wanted = None
    try:
        wanted = read_form(form, key=key, roles=visitor.roles, own_address=visitor.context.address, now=now)
        if form.act != "apply":
            return _page(visitor, key, form, wanted=wanted)
        _refuse_stale(key, form)
        visitor.prove(form.current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            found = api_keys.find_key(uow, organization_id=visitor.organization_id, key_id=key.id)
            _refuse_stale(found, form)
            api_keys.update_key(
                uow,
                change_of(found, wanted),
                organization_id=visitor.organization_id,
                key_id=found.id,
                editor=visitor.caller.principal,
                now=now,
            )
    except REFUSALS as error:
        problems, stale = problems_of(error), error.code == STALE
        key = find_key(visitor, key.id)
        return _page(visitor, key, form, wanted=wanted, problems=problems, status=status_of(error), stale=stale)
    return RedirectResponse(f"/keys/{key.id}?done=changed", status_code=303)


def _refuse_stale(key: ApiKey, form: ChangeForm) -> None:
    if key_version(key) != form.version:
        raise Conflict(
            "Somebody changed this key after you looked at it, so nothing was done. "
            "What your change would do to it now is below.",
            code=STALE,
        )


def _page(
    visitor: Visit,
    key: ApiKey,
    form: ChangeForm,
    *,
    wanted: WantedKey | None = None,
    problems: dict[str, str] | None = None,
    stale: bool = False,
    status: int = 200,
) -> Response:
    may, may_not = grantable(visitor.caller.principal, visitor.organization_id, visitor.roles)
    roles = visitor.roles
    preview = None if wanted is None else preview_of(key, wanted, roles)
    return visitor.page(
        "key_change.html",
        status=status,
        line=line_of(key, visitor.plane.clock.now(), visitor.roles),
        form=form,
        problems=problems or {},
        roles=may,
        missing_roles=may_not,
        about_roles=ABOUT_ROLES,
        max_list=MAX_LIST,
        own_address=visitor.context.address,
        preview=preview,
        fields=None if preview is None else _fields(preview, form),
        history=history(visitor, key) if stale else [],
        command=None if preview is None else key_commands.change(visitor.equivalents, key, preview.wanted, roles),
    )


def _fields(preview: KeyPreview, form: ChangeForm) -> list[tuple[str, str]]:
    """The hidden fields of the form that applies just what is shown."""
    wanted = preview.wanted
    expiry = "keep"
    if preview.ends_otherwise:
        expiry = "never" if wanted.expires_at is None else "date"
    return [
        ("act", "apply"),
        ("version", key_version(preview.key)),
        ("name", wanted.name),
        *(("role", one) for one in wanted.role_ids),
        ("sources", format_lines(wanted.ip_access)),
        ("expiry", expiry),
        ("last_day", last_day(wanted.expires_at) if expiry == "date" else form.last_day),
    ]
