"""Making an API key. Its secret is in the one answer that made it, and nowhere else."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access import api_keys
from stronghouse.access.api_keys import KEYS_PER_ORGANIZATION, KeyRequest, NewKey
from stronghouse.access.model import Source
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import DEVELOPER
from stronghouse.console import key_commands
from stronghouse.console.equivalents import Equivalent
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.key_forms import MAX_LIST, KeyForm, WantedKey, read_form
from stronghouse.console.key_view import ABOUT_ROLES, grantable, line_of
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.errors import Internal

router = APIRouter(prefix="/keys/new")
SENT = "form_sent"


@router.get("")
def form_page(request: Request) -> Response:
    """The form for a new key."""
    return _form_page(visit(request, Permission.API_KEYS_CREATE), KeyForm(), {})


@router.post("")
def create(request: Request, form: Annotated[KeyForm, Form()]) -> Response:
    """Make a key, and show its secret this once."""
    visitor = visit(request, Permission.API_KEYS_CREATE)
    plane = visitor.plane
    now = plane.clock.now()
    try:
        wanted = read_form(form, key=None, roles=visitor.roles, own_address=visitor.context.address, now=now)
        visitor.refuse_twice(form.form_id)
        visitor.prove(form.current_password)
        order = KeyRequest(wanted.name, wanted.role_ids, wanted.ip_access, expires_at=wanted.expires_at)
        with plane.audit.unit_of_work(visitor.context) as uow:
            new = api_keys.create_key(
                uow, order, organization_id=visitor.organization_id, creator=visitor.caller.principal, now=now
            )
    except REFUSALS as error:
        problems = problems_of(error)
        if error.code == SENT:
            problems[""] += " It may have made a key: look at the list before you send it again."
        return _form_page(visitor, form, problems, status=status_of(error))
    return created_page(visitor, new, key_commands.creation(visitor.equivalents, wanted, visitor.roles))


def _form_page(visitor: Visit, form: KeyForm, problems: dict[str, str], *, status: int = 200) -> Response:
    may, may_not = grantable(visitor.caller.principal, visitor.organization_id, visitor.roles)
    example = WantedKey("deploy", (DEVELOPER.id,), (Source("203.0.113.0/24", "office"),), None)
    return visitor.page(
        "key_new.html",
        status=status,
        form=form,
        problems=problems,
        roles=may,
        missing_roles=may_not,
        about_roles=ABOUT_ROLES,
        limit=KEYS_PER_ORGANIZATION,
        max_list=MAX_LIST,
        own_address=visitor.context.address,
        command=key_commands.creation(visitor.equivalents, example, visitor.roles),
    )


def created_page(visitor: Visit, new: NewKey, command: Equivalent) -> Response:
    """The one page that shows a new key's secret; `command` is how it is made without the console."""
    if new.key_id is None or new.key_secret is None:
        raise Internal("A key was made without a secret.")
    return visitor.page(
        "key_created.html",
        line=line_of(new.key, visitor.plane.clock.now(), visitor.roles),
        audit=Permission.AUDIT_LOG_VIEW,
        update_permission=Permission.API_KEYS_UPDATE,
        key_id=new.key_id.reveal(),
        key_secret=new.key_secret.reveal(),
        exports=key_commands.exports(visitor.plane, key_id=new.key_id, key_secret=new.key_secret),
        clickhousectl=key_commands.clickhousectl(visitor.plane),
        command=command,
    )
