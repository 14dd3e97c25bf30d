"""One's own second factors: an authenticator app, and recovery codes for the day when a factor is lost."""

from io import BytesIO
from typing import Annotated

import segno
from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.factors import enrolment
from stronghouse.access.factors.apps import AppOffer
from stronghouse.access.factors.recovery_codes import CODES
from stronghouse.access.permissions import Permission
from stronghouse.console.devices import device
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.state import Field, Password, Visit, visit
from stronghouse.kernel.secret import Secret

router = APIRouter(prefix="/account/factors")
DONE = {
    "app": "Your authenticator app is set up. Your other sessions have ended.",
    "passkey": "Your passkey is set up. Your other sessions have ended.",
    "removed": "It is removed.",
    "codes": "These are your new codes; those that you had do not work any more.",
}


@router.get("")
def factors_page(request: Request, done: Annotated[str, Query(max_length=16)] = "") -> Response:
    """Which second factors one has."""
    return factors_page_of(visit(request, None), {}, done=DONE.get(done))


@router.get("/app")
def app_page(request: Request) -> Response:
    """A new secret for an app. Nothing is kept of it until its first code comes back."""
    visitor = visit(request, None)
    user, session = visitor.caller.user, visitor.caller.session
    return _app_page(visitor, visitor.plane.factors.apps.offer(user, session_id=session.id), {})


@router.post("/app")
def enroll_app(request: Request, token: Field = "", code: Field = "", current_password: Password = "") -> Response:
    """Set up the app that shows this code; with the first second factor come the recovery codes."""
    visitor = visit(request, None)
    plane, caller = visitor.plane, visitor.caller
    offer = plane.factors.apps.offer_again(caller.user, token=token, session_id=caller.session.id)
    try:
        visitor.console.attempts.note_known(caller.user.id)
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            codes = enrolment.enroll_app(uow, caller, plane.factors, token=token, code=code, now=plane.clock.now())
    except REFUSALS as error:
        return _app_page(visitor, offer, problems_of(error), status=status_of(error))
    return enrolled_page(visitor, codes, "app")


@router.post("/app/remove")
def remove_app(request: Request, current_password: Password = "") -> Response:
    """Remove one's app."""
    visitor = visit(request, None)
    plane = visitor.plane
    try:
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            enrolment.remove_app(uow, visitor.caller, now=plane.clock.now())
    except REFUSALS as error:
        return factors_page_of(visitor, problems_of(error), status=status_of(error))
    return RedirectResponse("/account/factors?done=removed", status_code=303)


@router.post("/codes")
def renew_codes(request: Request, form_id: Field = "", current_password: Password = "") -> Response:
    """New recovery codes, shown this once."""
    visitor = visit(request, None)
    plane = visitor.plane
    try:
        visitor.refuse_twice(form_id)
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            codes = enrolment.renew_codes(uow, visitor.caller, now=plane.clock.now())
    except REFUSALS as error:
        return factors_page_of(visitor, problems_of(error), status=status_of(error))
    return enrolled_page(visitor, codes, "codes")


def enrolled_page(visitor: Visit, codes: list[Secret], done: str) -> Response:
    """The recovery codes that were just made, in this one answer; without any, the list of factors."""
    if not codes:
        return RedirectResponse(f"/account/factors?done={done}", status_code=303)
    shown = [code.reveal() for code in codes]
    return visitor.page("recovery_codes.html", codes=shown, done=DONE[done], audit=_audit(visitor))


def qr_code(address: Secret) -> Markup:
    """A QR code as SVG that needs no style of its own, so that the pages' policy allows it."""
    image = BytesIO()
    segno.make(address.reveal(), error="m", micro=False).save(
        image, kind="svg", xmldecl=False, svgns=False, omitsize=True, light="#fff", border=4
    )
    return Markup(image.getvalue().decode())  # noqa: S704 - made of numbers by the library; no text of anybody's is in it


def factors_page_of(
    visitor: Visit, problems: dict[str, str], *, name: str = "", done: str | None = None, status: int = 200
) -> Response:
    """The page with all second factors, and what went wrong."""
    return visitor.page(
        "factors.html",
        status=status,
        factors=visitor.factors,
        all_codes=CODES,
        passkey_name=name or device(visitor.caller.session.user_agent),
        problems=problems,
        done=done,
        audit=_audit(visitor),
    )


def _app_page(visitor: Visit, offer: AppOffer, problems: dict[str, str], *, status: int = 200) -> Response:
    return visitor.page(
        "factor_app.html",
        status=status,
        factors=visitor.factors,
        qr=qr_code(offer.address),
        secret=offer.text.reveal(),
        token=offer.token,
        problems=problems,
    )


def _audit(visitor: Visit) -> str | None:
    """Where the audit log tells of it, for who may see that."""
    return f"/audit?code=user.&actor={visitor.caller.user.id}" if visitor.may(Permission.AUDIT_LOG_VIEW) else None
