"""The editor of a service's IP access list: the difference and whom it cuts off are shown before anything is done.

Invariant: what is applied is what was shown. The form carries the list, the version that it was compared with, and the
lines of that version, so that a change by somebody else in between can be shown and decided upon.
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stronghouse.access.model import Source
from stronghouse.access.permissions import Permission
from stronghouse.console.equivalents import Equivalent
from stronghouse.console.form_errors import REFUSALS
from stronghouse.console.service_acts import check_typed
from stronghouse.console.service_creation import MAX_ENTRIES_TEXT, ListText
from stronghouse.console.services import (
    Refusal,
    connected_to,
    find_service,
    reach,
    refusal,
)
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.services import actions
from stronghouse.services.access_preview import Preview, format_lines, parse_lines, preview
from stronghouse.services.connections import Connections
from stronghouse.services.model import Service, Wanted

router = APIRouter(prefix="/services/{service_id}/access")
MAX_AS_CODE = 50
"""A change of more entries than this is not written out as one command."""


class AccessForm(BaseModel):
    """What is sent: the list as typed, and for applying it what it was compared with."""

    step: Literal["preview", "apply"]
    entries: ListText = ""
    base: ListText = ""
    version: str = Field(default="", max_length=64)
    typed: str = Field(default="", max_length=512)
    current_password: str = Field(default="", max_length=512)


@dataclass(frozen=True)
class Shown:
    """A difference as the page shows it.

    Attributes:
        text: the list that it leads to.
        unknown: why nobody can tell who is connected; None if it is known.
        equivalent: the same change as a command; None for one that is too long, or none.
    """

    effect: Preview
    text: str
    connections: Connections | None
    unknown: str | None
    equivalent: Equivalent | None

    @property
    def button(self) -> str:
        """What applying it does."""
        parts = [
            f"{len(found)} {word}"
            for found, word in (
                (self.effect.added, "added"),
                (self.effect.removed, "removed"),
                (self.effect.changed, "described anew"),
            )
            if found
        ]
        return f"Apply: {', '.join(parts)}"


@router.get("")
def editor(request: Request, service_id: str) -> Response:
    """The list as it is."""
    visitor = visit(request, Permission.SERVICE_VIEW)
    return _page(visitor, find_service(visitor, service_id))


@router.post("")
def change_access(request: Request, service_id: str, form: Annotated[AccessForm, Form()]) -> Response:
    """Show what a new list would do, or put it in force."""
    visitor = visit(request, Permission.IP_ACCESS_MANAGE)
    service = find_service(visitor, service_id)
    try:
        wanted = parse_lines(form.entries)
        if form.step == "preview":
            return _page(visitor, service, text=form.entries, wanted=wanted)
        _apply(visitor, service, form, wanted)
    except REFUSALS as error:
        return _refused(visitor, service, form, error)
    return RedirectResponse(f"/services/{service.id}?done=access", status_code=303)


def _apply(visitor: Visit, service: Service, form: AccessForm, wanted: tuple[Source, ...]) -> None:
    if form.typed:
        check_typed(service, form.typed)
    visitor.prove(form.current_password)
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        changed = actions.replace_ip_access(
            uow,
            organization_id=visitor.organization_id,
            service_id=service.id,
            wanted=wanted,
            expected_version=form.version,
            own_address=visitor.context.address,
            lock_out_accepted=bool(form.typed),
        )
    visitor.plane.jobs.notify(changed.region)


def _refused(visitor: Visit, before: Service, form: AccessForm, error: StronghouseError) -> HTMLResponse:
    """The page again, with what was typed; after somebody else's change with that change, and the difference to it."""
    service = find_service(visitor, before.id)  # as it is now
    told = refusal(form.step, error)
    if isinstance(error, Invalid):
        return _page(visitor, service, text=form.entries, refused=told)
    wanted = parse_lines(form.entries)
    meanwhile = _meanwhile(form, service) if error.code == "ip_access_stale" else None
    return _page(visitor, service, text=form.entries, wanted=wanted, refused=told, meanwhile=meanwhile)


def _meanwhile(form: AccessForm, service: Service) -> Preview | None:
    """What somebody else did to the list since it was compared; None if the form does not tell from what."""
    try:
        return preview(parse_lines(form.base), service.ip_access, own_address=None, connected=None)
    except Invalid:
        return None


def _page(
    visitor: Visit,
    service: Service,
    *,
    text: str | None = None,
    wanted: tuple[Source, ...] | None = None,
    refused: Refusal | None = None,
    meanwhile: Preview | None = None,
) -> HTMLResponse:
    current = format_lines(service.ip_access)
    own = visitor.context.address
    return visitor.page(
        "service_access.html",
        status=refused.status if refused else 200,
        service=service,
        current=current,
        reach=reach(service.ip_access),
        text=current if text is None else text,
        shown=None if wanted is None else _shown(visitor, service, wanted),
        refused=refused,
        meanwhile=meanwhile,
        own_address=own,
        max_length=MAX_ENTRIES_TEXT,
        fits=len(current) <= MAX_ENTRIES_TEXT,
        deleting=service.wanted is Wanted.DELETED,
        manage_permission=Permission.IP_ACCESS_MANAGE,
        audit_permission=Permission.AUDIT_LOG_VIEW,
    )


def _shown(visitor: Visit, service: Service, wanted: tuple[Source, ...]) -> Shown:
    found, unknown = connected_to(visitor, service)
    effect = preview(
        service.ip_access,
        wanted,
        own_address=visitor.context.address,
        connected=None if found is None else found.entries,
    )
    return Shown(effect, format_lines(wanted), found, unknown, _equivalent(visitor, service, effect))


def _equivalent(visitor: Visit, service: Service, effect: Preview) -> Equivalent | None:
    described = tuple(Source(one.source, one.after) for one in effect.changed)
    added = (*effect.added, *described)
    if not 0 < len(added) + len(effect.removed) <= MAX_AS_CODE:
        return None
    words = [word for one in added for word in ("--add-ip", f"{one.source}={one.description}".rstrip("="))]
    words += [word for one in effect.removed for word in ("--remove-ip", one.source)]
    lists: dict[str, Json] = {
        "add": [dict(dataclasses.asdict(one)) for one in added],
        "remove": [{"source": one.source} for one in effect.removed],
    }
    return visitor.equivalents.of(
        "service",
        "update",
        service.id,
        *words,
        method="PATCH",
        path=f"/services/{service.id}",
        body={"ipAccessList": lists},
    )
