"""What every page works with: the parts of the control plane, and who looks at the page."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Form
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from stronghouse.access import authentication, authorization, people, store
from stronghouse.access.attempts import Attempts
from stronghouse.access.authentication import UserCaller
from stronghouse.access.events import AccessDenied
from stronghouse.access.factors.apps import plain_code
from stronghouse.access.factors.model import Factors
from stronghouse.access.factors.store import factors_of
from stronghouse.access.guard import LiveCaller
from stronghouse.access.model import Principal
from stronghouse.access.people import Proven
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import ServiceSet
from stronghouse.access.roles.store import roles_of
from stronghouse.access.roles.system import Roles
from stronghouse.access.sign_in_policy.model import LONGEST_SESSION
from stronghouse.audit.event import SYSTEM, Context, Outcome
from stronghouse.audit.throttle import Throttle
from stronghouse.console import rendering
from stronghouse.console.binding import check_reading
from stronghouse.console.equivalents import Equivalents
from stronghouse.console.navigation import Group, navigation, section_of
from stronghouse.console.presentation import granted_by
from stronghouse.console.protection import COOKIE, SAFE_METHODS
from stronghouse.kernel.errors import Conflict, Denied, NotFound, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.organizations import store as organizations
from stronghouse.organizations.model import Organization
from stronghouse.plane.parts import ControlPlane

CLIENT_ADDRESS = "x-sh-client-ip"
FORM_LIFETIME = LONGEST_SESSION
"""No page is open longer than a session."""
ENROLMENT = "/account/factors"
Field = Annotated[str, Form(max_length=512)]
Text = Annotated[str, Form(max_length=4000)]
Password = Annotated[str, Form(max_length=512)]


@dataclass(frozen=True)
class Console:
    """The console: the same parts as the API's, and what it remembers while it runs.

    Attributes:
        failures: failed attempts to sign in, so that they do not fill the audit log.
        sent: forms that showed a secret and may not be sent twice.
        reports: breaches of the pages' policy, which anybody may report.
        attempts: who tries to sign in how often.
    """

    plane: ControlPlane
    failures: Throttle
    sent: Throttle
    reports: Throttle
    attempts: Attempts


class FactorRequired(Denied):
    """The person may do nothing but set up a second factor. Code: `factor_required`."""


def open_console(plane: ControlPlane) -> Console:
    """The console over these parts."""
    clock = plane.clock
    return Console(
        plane,
        failures=Throttle(clock),
        sent=Throttle(clock, interval=FORM_LIFETIME),
        reports=Throttle(clock),
        attempts=Attempts(clock),
    )


@dataclass(frozen=True)
class Visit:
    """A person who looks at a page of one organization, with a permission that has been checked."""

    request: Request
    console: Console
    caller: UserCaller
    organization: Organization
    context: Context

    @property
    def plane(self) -> ControlPlane:
        """The parts of the control plane."""
        return self.console.plane

    @property
    def organization_id(self) -> str:
        """The organization's id."""
        return self.organization.id

    @cached_property
    def navigation(self) -> list[Group]:
        """The sections that this person may see."""
        return navigation(self.request.url.path, self.may)

    @property
    def equivalents(self) -> Equivalents:
        """How the acts of a page are done on the command line."""
        return Equivalents(self.plane.api_url, str(self.plane.ca_file), self.organization_id)

    @property
    def must_prove(self) -> bool:
        """Whether a step-up is due before keys are touched or something is destroyed."""
        try:
            authentication.require_step_up(self.caller, now=self.plane.clock.now())
        except Denied:
            return True
        return False

    @cached_property
    def roles(self) -> Roles:
        """The organization's roles by id."""
        with self.plane.database.read() as connection:
            return roles_of(connection, self.organization.id)

    @property
    def service_id(self) -> str | None:
        """The service that the page is about, if it is about one."""
        named = self.request.path_params.get("service_id")
        return None if named is None else named.lower()

    def may(self, permission: Permission) -> bool:
        """Whether to show what needs `permission`: on the page's service, if it is about services."""
        service_id = self.service_id if permission.scope == "service" else None
        return self.caller.principal.may(permission, self.organization.id, service_id)

    @property
    def seen_services(self) -> ServiceSet:
        """The services that this person may see."""
        rights = self.caller.principal.rights_in(self.organization.id)
        return rights.services_with(Permission.SERVICE_VIEW)

    def require(self, permission: Permission) -> None:
        """Raise Denied without `permission`, and record that somebody asked.

        Raises NotFound instead of a service that they hold nothing on, while they do on others.
        """
        if self.may(permission):
            return
        hidden: NotFound | None = None
        try:
            authorization.require(
                self.caller.principal, permission, organization_id=self.organization.id, service_id=self.service_id
            )
        except NotFound as error:
            hidden = error
        except Denied:
            pass
        route = f"{self.request.method} {self.request.scope['route'].path}"
        if self.plane.refusals.is_news((self.caller.user.id, permission, route)):
            with self.plane.audit.unit_of_work(self.context) as uow:
                uow.record(
                    AccessDenied(
                        organization_id=self.organization_id,
                        outcome=Outcome.DENIED,
                        permission=str(permission),
                        request=route,
                    )
                )
        if hidden is not None:
            raise hidden
        raise Denied(f"No role of yours allows this. {granted_by(permission)}", code="permission_missing")

    @cached_property
    def factors(self) -> Factors:
        """The person's second factors."""
        with self.plane.database.read() as connection:
            return factors_of(connection, self.caller.user.id)

    def prove(self, proof: str) -> None:
        """Step up: a fresh proof that it is still this person, before keys are touched or something is destroyed.

        Args:
            proof: a code of who has a second factor, else the password; the pages ask for what is due.

        Raises:
            Unauthenticated, TooMany: the proof is wrong, or too many are tried now.
            StepUpRequired: none was given, and the last proof is too old.
        """
        if not proof or not self.must_prove:
            authentication.require_step_up(self.caller, now=self.plane.clock.now())
            return
        prove(self.console, self.caller, self.context, Secret(proof))

    def refuse_twice(self, form_id: str) -> None:
        """Raise Conflict for a form that was sent before: reloading a page with a secret must not make another."""
        if not form_id or not self.console.sent.is_news((self.caller.user.id, form_id)):
            raise Conflict("This form was sent already; open the page anew for another.", code="form_sent")

    def page(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page for this person."""
        return rendering.page(
            self.request,
            template,
            status=status,
            visit=self,
            organization=self.organization,
            user=self.caller.user,
            now=self.plane.clock.now(),
            form_id=new_id(),
            **values,
        )


def visit(
    request: Request, permission: Permission | None = Permission.RESPONSIBILITIES_VIEW, *, bound: bool = True
) -> Visit:
    """Who looks, and at which organization: always the first whose responsibilities they may see, else their first.

    It does not depend on `permission`: what a page shows of one organization is never done to another. A handler that
    reads its form by itself passes `bound=False`, and calls `check_bound` with its permission before it does anything.
    Beside `permission` everything takes that of its section: an act that is refused shows its page again, which not
    everybody may see.

    Raises:
        Unauthenticated: no session, or one that is over.
        FactorRequired: they may do nothing until they have set up a second factor.
        Denied: their roles in that organization do not give both permissions, or they are in none; or the form does
            not come from a page of this origin.
    """
    console: Console = request.app.state.console
    caller = caller_of(request)
    context = context_of(request, caller)
    if request.method in SAFE_METHODS:
        check_reading(caller)
    elif bound:
        check_binding(console, caller, context, request.state.binding)
    if caller.must_enroll and not _is_enrolment(request.url.path):
        raise FactorRequired("Your organization requires a second factor; set one up to go on.", code="factor_required")
    with console.plane.database.read() as connection:
        organization = _organization(connection, caller)
    guarded = dataclasses.replace(context, guard=_guard(request, console, caller, context, organization.id))
    visitor = Visit(request, console, caller, organization, guarded)
    if bound:
        _admit(visitor, permission)
    return visitor


def _guard(
    request: Request, console: Console, caller: UserCaller, context: Context, organization_id: str
) -> LiveCaller:
    plane, agent = console.plane, user_agent(request)

    def again(connection: Connection) -> Principal:
        now = plane.clock.now()
        return authentication.authenticate_session(connection, token=caller.token, user_agent=agent, now=now).principal

    return LiveCaller(
        principal=caller.principal,
        again=again,
        audit=plane.audit,
        refusals=plane.refusals,
        context=context,
        organization_id=organization_id,
        request=f"{request.method} {request.scope['route'].path}",
    )


def check_bound(visitor: Visit, binding: Secret | None, permission: Permission) -> None:
    """What `visit` leaves to a handler that reads its form by itself; raises what it raises."""
    check_binding(visitor.console, visitor.caller, visitor.context, binding)
    _admit(visitor, permission)


def _admit(visitor: Visit, permission: Permission | None) -> None:
    """Take somebody for who their cookie says: from here on an error's page may show them what is theirs.

    Only what a person does counts as use. A page that refreshes itself does nothing, or no session would ever be idle.
    """
    visitor.request.state.visit = visitor
    plane, now = visitor.plane, visitor.plane.clock.now()
    if visitor.caller.use_is_news(now) and not is_polling(visitor.request):
        with plane.audit.bookkeeping("last use of a session is a fact about it, not a change") as writing:
            store.mark_session_seen(writing, session_id=visitor.caller.session.id, now=now)
    if permission is not None:
        section = section_of(visitor.request.url.path)
        if section is not None:
            visitor.require(section.permission)
        visitor.require(permission)


def check_binding(console: Console, caller: UserCaller, context: Context, binding: Secret | None) -> None:
    """Raise Denied for a form that does not carry the secret of this origin; a wrong one is recorded."""
    plane = console.plane
    try:
        authentication.check_binding(caller, binding)
    except Denied as error:
        if error.code == "binding_wrong" and plane.refusals.is_news((error.code, caller.session.id)):
            with plane.audit.unit_of_work(context) as uow:
                people.record_binding_refused(uow, caller)
        raise


def caller_of(request: Request) -> UserCaller:
    """Whose session the cookie is of; raises Unauthenticated without one. It does not say that they sent it."""
    console: Console = request.app.state.console
    plane, now = console.plane, console.plane.clock.now()
    with plane.database.read() as connection:
        return authentication.authenticate_session(
            connection,
            token=Secret(request.cookies.get(COOKIE, "")),
            user_agent=user_agent(request),
            now=now,
        )


def prove(console: Console, caller: UserCaller, context: Context, proof: Secret) -> None:
    """Record a step-up or a failed one; raises Unauthenticated for a wrong proof, TooMany when it is too busy."""
    plane = console.plane
    with plane.database.read() as connection:
        enrolled = factors_of(connection, caller.user.id).enrolled
    if enrolled:
        _prove_code(console, caller, context, proof)
        return
    proven = check_own_password(console, caller, context, proof)
    with plane.audit.unit_of_work(context) as uow:
        people.step_up(uow, caller, proven, now=plane.clock.now())


def _prove_code(console: Console, caller: UserCaller, context: Context, code: Secret) -> None:
    plane, now = console.plane, console.plane.clock.now()
    console.attempts.note_known(caller.user.id)
    if plain_code(code.reveal()) is not None:
        console.attempts.note_code(caller.user.id)
    try:
        with plane.audit.unit_of_work(context) as uow:
            factor = plane.factors.spend_code(uow, user_id=caller.user.id, code=code, now=now)
            people.step_up(uow, caller, factor, now=now)
    except Unauthenticated as error:
        if error.code == "session_over":
            raise
        note_failed_step_up(console, caller, context)
        raise Unauthenticated(f"{error.public} Nothing was done.", code="step_up_failed") from None


def note_failed_step_up(console: Console, caller: UserCaller, context: Context) -> None:
    """Record that a proof in a session was wrong, once in a while."""
    if console.failures.is_news(("step-up", caller.session.id)):
        with console.plane.audit.unit_of_work(context) as uow:
            people.record_failed_step_up(uow, caller)


def check_own_password(console: Console, caller: UserCaller, context: Context, password: Secret) -> Proven:
    """That this is the password of whose session it is; raises as `prove` does, and records a wrong one."""
    plane = console.plane
    console.attempts.note_known(caller.user.id)
    try:
        with plane.database.read() as connection:
            return people.check_password(connection, email=caller.user.email, password=password, is_known=True)
    except Unauthenticated:
        note_failed_step_up(console, caller, context)
        raise Unauthenticated("The password is wrong; nothing was done.", code="step_up_failed") from None


def context_of(request: Request, caller: UserCaller | None = None) -> Context:
    """The circumstances of an act on a page."""
    actor = caller.principal.actor if caller else SYSTEM
    return Context(actor, request.headers.get(CLIENT_ADDRESS), user_agent(request), request.state.request_id)


def user_agent(request: Request) -> str | None:
    """What the browser says it is."""
    return (request.headers.get("user-agent") or "")[:256] or None


def is_polling(request: Request) -> bool:
    """Whether a page refreshes a part of itself."""
    return "hx-request" in request.headers


def no_content() -> Response:
    """An answer without a page."""
    return Response(status_code=204)


def _is_enrolment(path: str) -> bool:
    return path == ENROLMENT or path.startswith(f"{ENROLMENT}/")


def _organization(connection: Connection, caller: UserCaller) -> Organization:
    principal = caller.principal
    readable = [one for one in principal.rights if principal.may(Permission.RESPONSIBILITIES_VIEW, one)]
    found = organizations.find_all(connection, readable or list(principal.rights))
    if not found:
        raise Denied("You are a member of no organization.", code="permission_missing")
    return found[0]
