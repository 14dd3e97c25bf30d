"""Rotating an API key: the successor's secret is in the one answer that made it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.key_rotation import rotate_key
from stronghouse.access.model import ApiKey
from stronghouse.access.permissions import Permission
from stronghouse.console.equivalents import Equivalent
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.key_creation import SENT, created_page
from stronghouse.console.key_view import line_of
from stronghouse.console.keys import find_key
from stronghouse.console.state import Field, Password, Visit, visit

router = APIRouter(prefix="/keys/{key_id}/rotate")
Hours = Literal["1", "24", "168", "720"]
OVERLAPS: Mapping[Hours, str] = {"1": "an hour", "24": "a day", "168": "a week", "720": "30 days"}
"""What is on offer, by hours."""


@router.get("")
def form_page(request: Request, key_id: str) -> Response:
    """The form, with how long both keys should work."""
    visitor = _visit(request)
    return _page(visitor, find_key(visitor, key_id), "24", {})


@router.post("")
def rotate(
    request: Request,
    key_id: str,
    overlap: Annotated[Hours, Form()] = "24",
    form_id: Field = "",
    current_password: Password = "",
) -> Response:
    """Make the successor, and show its secret this once."""
    visitor = _visit(request)
    key = find_key(visitor, key_id)
    try:
        visitor.refuse_twice(form_id)
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            done = rotate_key(
                uow,
                organization_id=visitor.organization_id,
                key_id=key.id,
                overlap=timedelta(hours=int(overlap)),
                editor=visitor.caller.principal,
                now=visitor.plane.clock.now(),
            )
    except REFUSALS as error:
        problems = problems_of(error)
        if error.code == SENT:
            problems[""] += " It may have made a successor: look at the list before you send it again."
        return _page(visitor, key, overlap, problems, status=status_of(error))
    return created_page(visitor, done.successor, _command(visitor, key, overlap))


def _visit(request: Request) -> Visit:
    """Who looks; a rotation makes one key and changes another."""
    visitor = visit(request, Permission.API_KEYS_CREATE)
    visitor.require(Permission.API_KEYS_UPDATE)
    return visitor


def _command(visitor: Visit, key: ApiKey, hours: Hours) -> Equivalent:
    return visitor.equivalents.of(
        "key",
        "rotate",
        key.id,
        "--overlap",
        f"{hours}h",
        method="POST",
        path=f"/keys/{key.id}/rotate",
        body={"overlapMinutes": int(hours) * 60},
    )


def _page(visitor: Visit, key: ApiKey, overlap: Hours, problems: Mapping[str, str], *, status: int = 200) -> Response:
    return visitor.page(
        "key_rotation.html",
        status=status,
        line=line_of(key, visitor.plane.clock.now(), visitor.roles),
        overlaps=OVERLAPS,
        overlap=overlap,
        problems=problems,
        command=_command(visitor, key, overlap),
    )
