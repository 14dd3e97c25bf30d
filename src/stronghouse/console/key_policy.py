"""How long the organization's API keys may live."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access import key_policy
from stronghouse.access.permissions import Permission
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.state import Field, Password, Visit, visit
from stronghouse.kernel.errors import Invalid

router = APIRouter(prefix="/keys/policy")


@router.get("")
def form_page(request: Request) -> Response:
    """The maximum as it is."""
    visitor = visit(request, Permission.ORGANIZATION_MANAGE)
    with visitor.plane.database.read() as connection:
        days = key_policy.maximum_lifetime_days(connection, visitor.organization_id)
    return _page(visitor, "" if days is None else str(days), {})


@router.post("")
def set_maximum(request: Request, days: Field = "", current_password: Password = "") -> Response:
    """Set it, or lift it with an empty field."""
    visitor = visit(request, Permission.ORGANIZATION_MANAGE)
    try:
        wanted = _number(days)
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            key_policy.set_maximum_lifetime(uow, organization_id=visitor.organization_id, days=wanted)
    except REFUSALS as error:
        return _page(visitor, days, problems_of(error), status=status_of(error))
    return RedirectResponse("/keys?done=policy", status_code=303)


def _number(text: str) -> int | None:
    typed = text.strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdecimal() or len(typed) > len(str(key_policy.LONGEST_DAYS)):
        raise Invalid(f"Say a number of days from 1 to {key_policy.LONGEST_DAYS}, or nothing.", code="lifetime_invalid")
    return int(typed)


def _page(visitor: Visit, days: str, problems: Mapping[str, str], *, status: int = 200) -> Response:
    return visitor.page(
        "key_policy.html",
        status=status,
        days=days,
        longest=key_policy.LONGEST_DAYS,
        problems=problems,
        command=visitor.equivalents.of(
            "key", "policy", "--maximum-days", "90", method="PUT", path="/keyPolicy", body={"maximumLifetimeDays": 90}
        ),
    )
