"""What every page works with: the parts of the control plane, who looks at the page, and the templates."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Form
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stronghouse.access import authentication, store
from stronghouse.access.authentication import UserCaller
from stronghouse.access.permissions import Permission
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.throttle import Throttle
from stronghouse.console import presentation
from stronghouse.console.protection import COOKIE
from stronghouse.kernel.errors import Denied
from stronghouse.kernel.secret import Secret
from stronghouse.organizations import store as organizations
from stronghouse.organizations.model import Organization
from stronghouse.plane.parts import ControlPlane

CLIENT_ADDRESS = "x-sh-client-ip"
Field = Annotated[str, Form(max_length=512)]
Text = Annotated[str, Form(max_length=4000)]
SECTIONS = (
    ("/", "Responsibilities", Permission.RESPONSIBILITIES_VIEW),
    ("/findings", "Findings", Permission.RESPONSIBILITIES_VIEW),
    ("/vulnerabilities", "Vulnerabilities", Permission.RESPONSIBILITIES_VIEW),
    ("/documents", "Documents", Permission.DOCUMENTS_VIEW),
    ("/guidance", "Guidance", Permission.RESPONSIBILITIES_VIEW),
    ("/packages", "Packages", Permission.EVIDENCE_EXPORT),
    ("/notifications", "Notifications", Permission.NOTIFICATIONS_MANAGE),
)
"""Address, name and permission of each section."""
templates = Environment(
    loader=PackageLoader("stronghouse.console"), autoescape=select_autoescape(default=True), undefined=StrictUndefined
)
templates.filters.update(presentation.FILTERS)


@dataclass(frozen=True)
class Console:
    """The console: the same parts as the API's, and the throttle of failed attempts to sign in."""

    plane: ControlPlane
    failures: Throttle


@dataclass(frozen=True)
class Visit:
    """A person who looks at a page of one organization, with a permission that has been checked."""

    plane: ControlPlane
    caller: UserCaller
    organization: Organization
    context: Context
    path: str

    @property
    def organization_id(self) -> str:
        """The organization's id."""
        return self.organization.id

    @property
    def navigation(self) -> list[tuple[str, str, bool]]:
        """Address and name of each section that this person may see, and whether the page is in it."""
        here = "/" + self.path.split("/")[1]
        home = here in {"/", "/responsibilities", "/evidence", "/runs"}
        return [
            (address, name, home if address == "/" else here == address)
            for address, name, permission in SECTIONS
            if self.may(permission)
        ]

    def may(self, permission: Permission) -> bool:
        """Whether to show what needs `permission`."""
        return self.caller.principal.may(permission, self.organization.id)

    def require(self, permission: Permission) -> None:
        """Raise Denied without `permission`."""
        if not self.may(permission):
            raise Denied(
                f"This needs the permission {permission.value}, which no role of yours gives you.",
                code="permission_missing",
            )

    def page(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page for this person."""
        text = templates.get_template(template).render(
            visit=self, organization=self.organization, user=self.caller.user, now=self.plane.clock.now(), **values
        )
        return HTMLResponse(text, status_code=status)


def visit(request: Request, permission: Permission | None = Permission.RESPONSIBILITIES_VIEW) -> Visit:
    """Who looks, and at which organization: always the first whose responsibilities they may see, else their first.

    It does not depend on `permission`: what a page shows of one organization is never done to another.

    Raises:
        Unauthenticated: no session, or one that is over.
        Denied: none of their roles in that organization gives the permission, or they are in none.
    """
    console: Console = request.app.state.console
    caller = caller_of(request)
    with console.plane.database.read() as connection:
        organization = _organization(connection, caller)
    visitor = Visit(console.plane, caller, organization, context_of(request, caller), request.url.path)
    if permission is not None:
        visitor.require(permission)
    return visitor


def caller_of(request: Request) -> UserCaller:
    """Whose session this is; raises Unauthenticated without one."""
    console: Console = request.app.state.console
    plane = console.plane
    token = request.cookies.get(COOKIE, "")
    with plane.database.read() as connection:
        found = authentication.authenticate_session(connection, token=Secret(token), now=plane.clock.now())
    with plane.audit.bookkeeping("last use of a session is a fact about it, not a change") as writing:
        store.mark_session_seen(writing, session_id=found.session.id, now=plane.clock.now())
    return found


def context_of(request: Request, caller: UserCaller | None = None) -> Context:
    """The circumstances of an act on a page."""
    actor = caller.principal.actor if caller else SYSTEM
    agent = (request.headers.get("user-agent") or "")[:256] or None
    return Context(actor, request.headers.get(CLIENT_ADDRESS), agent, request.state.request_id)


def _organization(connection: Connection, caller: UserCaller) -> Organization:
    principal = caller.principal
    readable = [one for one in principal.permissions if principal.may(Permission.RESPONSIBILITIES_VIEW, one)]
    found = organizations.find_all(connection, readable or list(principal.permissions))
    if not found:
        raise Denied("You are a member of no organization.", code="permission_missing")
    return found[0]
