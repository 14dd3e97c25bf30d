"""Passkeys: signing in with one, adding and removing one's own, and a fresh proof by one.

The script of the pages asks for a challenge, has the browser answer it, and sends the answer with the form.
"""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from stronghouse.access import people
from stronghouse.access.attempts import neighbourhood
from stronghouse.access.factors import enrolment
from stronghouse.access.factors.challenges import Purpose
from stronghouse.access.factors.model import SecondFactor
from stronghouse.access.factors.passkeys import Ceremony, PasskeyCloned
from stronghouse.audit.event import Context
from stronghouse.console.errors import STATUS
from stronghouse.console.factors import enrolled_page, factors_page_of
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.sign_in import check_script, cookie_of, entered_page, sign_in_page_of
from stronghouse.console.state import (
    Console,
    Field,
    Password,
    context_of,
    no_content,
    note_failed_step_up,
    visit,
)
from stronghouse.kernel.errors import Invalid, TooMany, Unauthenticated
from stronghouse.kernel.ids import parse_uuid

router = APIRouter()
Answer = Annotated[str, Form(max_length=16_000)]
"""What a browser makes of a ceremony; a certificate or two of the key's maker may be in it."""


@router.post("/sign-in/passkey/challenge")
def sign_in_challenge(request: Request) -> Response:
    """What a passkey is to sign so that its person is signed in. Nothing is kept of it."""
    console: Console = request.app.state.console
    return _ceremony(console.plane.factors.passkeys.ask(Purpose.SIGN_IN, now=console.plane.clock.now()))


@router.post("/sign-in/passkey")
def sign_in(request: Request, challenge: Field = "", answer: Answer = "", without_script: Field = "") -> Response:
    """Sign in the person whose passkey signed the challenge."""
    console: Console = request.app.state.console
    plane, now = console.plane, console.plane.clock.now()
    context = context_of(request)
    try:
        check_script(request, without_script)
        console.attempts.note_passkey(address=context.address)
        with plane.audit.unit_of_work(context) as uow:
            passkey = plane.factors.passkeys.check(uow, Purpose.SIGN_IN, token=challenge, answer=answer, now=now)
            people.end_replaced(uow, token=cookie_of(request))
            new = people.sign_in_with_passkey(uow, passkey, binding=request.state.binding, now=now)
    except (Invalid, TooMany) as error:
        return sign_in_page_of(request, problem=error.public, status=STATUS[error.kind])
    except Unauthenticated as error:
        _note_refused(console, context, error)
        return sign_in_page_of(request, problem=error.public, status=401)
    return entered_page(request, new)


@router.post("/account/factors/passkeys/offer")
def offer(request: Request) -> Response:
    """What makes a new passkey for who is signed in."""
    visitor = visit(request, None)
    plane, caller = visitor.plane, visitor.caller
    with plane.database.read() as connection:
        ceremony = plane.factors.passkeys.offer(
            connection, caller.user, session_id=caller.session.id, now=plane.clock.now()
        )
    return _ceremony(ceremony)


@router.post("/account/factors/passkeys")
def register(
    request: Request, challenge: Field = "", answer: Answer = "", name: Field = "", current_password: Password = ""
) -> Response:
    """Keep the passkey that the browser made."""
    visitor = visit(request, None)
    plane = visitor.plane
    try:
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            codes = enrolment.register_passkey(
                uow,
                visitor.caller,
                plane.factors,
                token=challenge,
                answer=answer,
                name=name,
                now=plane.clock.now(),
            )
    except REFUSALS as error:
        return factors_page_of(visitor, problems_of(error), name=name, status=status_of(error))
    return enrolled_page(visitor, codes, "passkey")


@router.post("/account/factors/passkeys/{passkey_id}/remove")
def remove(request: Request, passkey_id: str, current_password: Password = "") -> Response:
    """Remove one of one's passkeys."""
    visitor = visit(request, None)
    plane = visitor.plane
    passkey_id = parse_uuid(passkey_id)
    try:
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            enrolment.remove_passkey(uow, visitor.caller, passkey_id=passkey_id, now=plane.clock.now())
    except REFUSALS as error:
        return factors_page_of(visitor, problems_of(error), status=status_of(error))
    return RedirectResponse("/account/factors?done=removed", status_code=303)


@router.post("/account/factors/proof/challenge")
def proof_challenge(request: Request) -> Response:
    """What a passkey of who is signed in is to sign as a fresh proof."""
    visitor = visit(request, None)
    passkeys, session = visitor.plane.factors.passkeys, visitor.caller.session
    return _ceremony(passkeys.ask(Purpose.PROVE, session_id=session.id, now=visitor.plane.clock.now()))


@router.post("/account/factors/proof")
def prove(request: Request, challenge: Field = "", answer: Answer = "") -> Response:
    """Take a passkey's signature for a fresh proof: the script sends it, then the page's own form."""
    visitor = visit(request, None)
    plane, caller, now = visitor.plane, visitor.caller, visitor.plane.clock.now()
    visitor.console.attempts.note_known(caller.user.id)
    try:
        with plane.audit.unit_of_work(visitor.context) as uow:
            plane.factors.passkeys.check(
                uow,
                Purpose.PROVE,
                token=challenge,
                answer=answer,
                session_id=caller.session.id,
                owner=caller.user.id,
                now=now,
            )
            people.step_up(uow, caller, SecondFactor.PASSKEY, now=now)
    except PasskeyCloned as error:
        _note_refused(visitor.console, visitor.context, error)
        raise
    except Unauthenticated as error:
        if error.code != "session_over":
            note_failed_step_up(visitor.console, caller, visitor.context)
        raise
    return no_content()


def _note_refused(console: Console, context: Context, error: Unauthenticated) -> None:
    """Record that a passkey was refused, once in a while."""
    if isinstance(error, PasskeyCloned):
        if console.failures.is_news(("passkey", error.passkey.id)):
            with console.plane.audit.unit_of_work(context) as uow:
                people.record_passkey_refused(uow, error.passkey)
    elif console.failures.is_news(("passkey", neighbourhood(context.address))):
        with console.plane.audit.unit_of_work(context) as uow:
            people.record_failed_sign_in(uow, method="passkey")


def _ceremony(ceremony: Ceremony) -> JSONResponse:
    return JSONResponse({"options": ceremony.options, "challenge": ceremony.token})
