"""Routes that say who may call them. Authentication and authorization run before a body is even parsed."""

import base64
import binascii
import dataclasses
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access import authentication, authorization, store
from stronghouse.access.api_keys import hash_text
from stronghouse.access.events import AccessDenied, KeyRefused
from stronghouse.access.guard import LiveCaller
from stronghouse.access.model import Principal
from stronghouse.access.permissions import Permission
from stronghouse.audit.event import SYSTEM, Context, Outcome
from stronghouse.kernel.errors import Denied, NotFound, StronghouseError, Unauthenticated
from stronghouse.kernel.ids import parse_uuid
from stronghouse.kernel.secret import Secret
from stronghouse.plane.parts import ControlPlane

CLIENT_ADDRESS = "x-sh-client-ip"  # set by the edge from the connection itself
ACCESS = "__stronghouse_access__"
MAX_KEY_ID = 128


@dataclass(frozen=True)
class Public:
    """No credentials needed, and why that is right."""

    reason: str


@dataclass(frozen=True)
class Authenticated:
    """Any valid credentials; the handler itself narrows what they see. Says why no permission is asked."""

    reason: str


Access = Permission | Public | Authenticated


def access(needed: Access) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what a handler needs."""

    def mark(handler: Callable[..., Any]) -> Callable[..., Any]:
        setattr(handler, ACCESS, needed)
        return handler

    return mark


def access_of(route: APIRoute) -> Access:
    """What a route needs; raises RuntimeError when its handler does not say."""
    needed = getattr(route.endpoint, ACCESS, None)
    if needed is None:
        raise RuntimeError(f"{route.path} declares neither a permission nor a reason to be public")
    return needed  # type: ignore[no-any-return]  # set by `access` only


@dataclass(frozen=True)
class Caller:
    """Who calls and under which circumstances; handlers find it at `request.state.caller`."""

    principal: Principal
    context: Context


class GuardedRoute(APIRoute):
    """A route that lets only those in whom its handler declares."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - FastAPI's own signature
        super().__init__(*arguments, **options)
        access_of(self)  # fails at start-up, not at the first request

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind the guard."""
        handle = super().get_route_handler()
        needed = access_of(self)
        path = self.path

        async def guarded(request: Request) -> Response:
            if not isinstance(needed, Public):
                request.state.caller = await run_in_threadpool(admit, request, needed, path)
            return await handle(request)

        return guarded


def admit(request: Request, needed: Permission | Authenticated, path: str) -> Caller:
    """Authenticate the caller and check the permission on the organization in the path.

    Raises:
        Unauthenticated, Denied, NotFound: as `access.authentication` and `access.authorization` say.
    """
    plane: ControlPlane = request.app.state.plane
    address = request.headers.get(CLIENT_ADDRESS)
    agent = (request.headers.get("user-agent") or "")[:256] or None
    key_id, key_secret = _basic(request)
    try:
        with plane.database.read() as connection:
            found = authentication.authenticate_key(
                connection, key_id=key_id, key_secret=key_secret, address=address, now=plane.clock.now()
            )
    except StronghouseError as error:
        _record_refusal(plane, key_id, error, Context(SYSTEM, address, agent, request.state.request_id))
        raise
    if found.use_is_news(plane.clock.now()):
        with plane.audit.bookkeeping("last use of a key is a fact about it, not a change") as connection:
            store.mark_key_used(connection, key_id=found.key.id, used_at=plane.clock.now())
    caller = Caller(found.principal, Context(found.principal.actor, address, agent, request.state.request_id))
    if "organization_id" in request.path_params:
        _authorize(plane, caller, needed, request, path)
    guard = LiveCaller(
        principal=found.principal,
        again=lambda connection: authentication.same_key(connection, found.key, address=address, now=plane.clock.now()),
        audit=plane.audit,
        refusals=plane.refusals,
        context=caller.context,
        organization_id=found.key.organization_id,
        request=f"{request.method} {path}",
    )
    return Caller(caller.principal, dataclasses.replace(caller.context, guard=guard))


def _authorize(
    plane: ControlPlane, caller: Caller, needed: Permission | Authenticated, request: Request, path: str
) -> None:
    organization_id = parse_uuid(request.path_params["organization_id"])
    request.path_params["organization_id"] = organization_id  # what was checked is what the handler gets
    permission = needed if isinstance(needed, Permission) else None
    service_id: str | None = None
    if permission is not None and permission.scope == "service" and "service_id" in request.path_params:
        service_id = request.path_params["service_id"].lower()
    try:
        authorization.require(caller.principal, permission, organization_id=organization_id, service_id=service_id)
    except (Denied, NotFound):
        if not plane.refusals.is_news((caller.principal.actor.id, permission, request.method, path)):
            raise
        with plane.audit.unit_of_work(caller.context) as uow:
            uow.record(
                AccessDenied(
                    organization_id=organization_id,
                    outcome=Outcome.DENIED,
                    permission=str(permission),
                    request=f"{request.method} {path}",
                )
            )
        raise


def _basic(request: Request) -> tuple[str, Secret]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    key_id, separator, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not separator or len(key_id) > MAX_KEY_ID:
        raise Unauthenticated("Send an API key id and secret by HTTP Basic authentication.", code="credentials_missing")
    return key_id, Secret(secret)


def _record_refusal(plane: ControlPlane, key_id: str, error: StronghouseError, context: Context) -> None:
    """Record a refused key, at most once in ten seconds for a key, address and reason.

    Keys that do not exist count as one: whoever makes them up must not fill the disk with them.
    """
    with plane.database.read() as connection:
        found = store.key_by_hash(connection, hash_text(key_id))
    key = found[0] if found else None
    if not plane.refusals.is_news((key.id if key else None, context.address, error.code)):
        return
    with plane.audit.unit_of_work(context) as uow:
        uow.record(
            KeyRefused(
                organization_id=key.organization_id if key else None,
                outcome=Outcome.DENIED,
                key_id=key.id if key else None,
                reason=error.code,
            )
        )
