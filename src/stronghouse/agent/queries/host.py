"""The queries host: who asks is checked first, then the service is woken if the client wants that, then the SQL runs.

Nothing of a request reaches a worker but the statement, its parameters, and what the edge says of the connection: a
client's own headers of ClickHouse's have no effect. The statement runs as the key's own database user.
"""

import asyncio
import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import structlog

from stronghouse.agent.queries.access import Grant, QueryAccess
from stronghouse.agent.queries.documents import EndpointDocument
from stronghouse.agent.queries.exchange import Answer, Header, Request, TooLarge, read_request
from stronghouse.agent.queries.limits import Buckets, TooOften
from stronghouse.agent.queries.statement import service_of, statement_of
from stronghouse.agent.queries.upstream import WorkerAnswer, ask_worker
from stronghouse.agent.queries.users import user_of
from stronghouse.agent.service import Service
from stronghouse.kernel.errors import Denied, StronghouseError, TooMany, Unauthenticated, Unavailable
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.worker.attempts import neighbourhood
from stronghouse.worker.caller import CLIENT_ADDRESS, CLIENT_PORT, TLS_CIPHER, TLS_VERSION

MAX_BODY_BYTES = 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
READ_AT_A_TIME = 32
"""Requests that are read and checked at a time; the edge holds each until it is complete, so it takes a moment."""
RUN_AT_A_TIME, RUN_OF_ONE_SERVICE, RUN_OF_ONE_KEY = 128, 32, 16
KEYS_PER_SECOND, KEYS_AT_ONCE = 10.0, 100
FAILURES_PER_SECOND, FAILURES_AT_ONCE = 0.5, 30
PREFLIGHT_SECONDS = 600
NOT_SIGNED_IN, TOO_MANY_QUERIES, TOO_MUCH = "516", "202", "201"
_KINDS = {
    "invalid": (400, "BAD_REQUEST"),
    "unauthenticated": (401, "UNAUTHORIZED"),
    "denied": (403, "FORBIDDEN"),
    "not_found": (404, "NOT_FOUND"),
    "conflict": (424, "FAILED_DEPENDENCY"),
    "too_many": (429, "TOO_MANY_REQUESTS"),
    "unavailable": (503, "SERVICE_UNAVAILABLE"),
}
"""A service that can run nothing as a key is 424: to 401, 403 and 404 `clickhousectl` answers by making endpoints."""
_FROM_EDGE = (CLIENT_ADDRESS, CLIENT_PORT, TLS_VERSION, TLS_CIPHER)
_PASSED_BACK = (
    "content-type",
    *(f"x-clickhouse-{name}" for name in ("query-id", "format", "timezone", "summary", "exception-code")),
)
_PRINTABLE = re.compile(r"[\x20-\x7e]{0,256}")
_ASKED_OF_PAGES = "authorization, content-type, wake-service, x-service-type, auth-provider"
_log = structlog.get_logger()


@dataclass(frozen=True)
class _Running:
    """A request whose statement runs, and the task that carries it."""

    grant: Grant
    service: Service
    task: "asyncio.Task[None]"


class QueriesHost:
    """Answers requests from the edge. `services` gives the agent's services by their ids."""

    def __init__(self, access: QueryAccess, services: Callable[[str], Service | None]) -> None:
        self._access = access
        self._services = services
        self._by_key = Buckets(per_second=KEYS_PER_SECOND, burst=KEYS_AT_ONCE)
        self._failures = Buckets(per_second=FAILURES_PER_SECOND, burst=FAILURES_AT_ONCE)
        self._running: set[_Running] = set()
        self._reading = asyncio.Semaphore(READ_AT_A_TIME)

    def take_endpoints(self, endpoints: Iterable[EndpointDocument]) -> None:
        """These are the endpoints from now on; queries that would not be let in any more end."""
        self._access.replace(endpoints)
        for running in list(self._running):
            if not self._access.still_holds(running.grant):
                running.task.cancel()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection. The edge of a connection: raises nothing but being cancelled."""
        answer = Answer(writer)
        try:
            await self._respond(reader, answer)
        except OSError:
            pass  # the client is gone, or too slow
        except Exception as error:  # noqa: BLE001 - its text may quote a statement, so it goes nowhere
            _log.error("queries_request_failed", error=type(error).__name__)
            if not answer.begun:
                await _refuse(answer, 500, "INTERNAL_ERROR: The queries host met an internal error.")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _respond(self, reader: asyncio.StreamReader, answer: Answer) -> None:
        try:
            async with self._reading:
                request = await read_request(reader, limit=MAX_BODY_BYTES)
            await self._answer(request, reader, answer)
        except StronghouseError as error:
            if answer.begun:  # the client sees that it is cut off
                _log.info("query_broke_off", code=error.code)
                return
            await _tell(answer, error)

    async def _answer(self, request: Request, reader: asyncio.StreamReader, answer: Answer) -> None:
        service_id = service_of(request)
        origin = request.header("origin")
        if origin is not None:
            answer.headers.append(("vary", "origin"))
            if self._access.allows_origin(service_id, origin) and _PRINTABLE.fullmatch(origin):
                answer.headers.append(("access-control-allow-origin", origin))
                answer.headers.append(("access-control-expose-headers", "x-clickhouse-query-id, x-ratelimit-reset"))
            else:
                raise Denied("Pages of this origin may not query this service.", code="origin_refused")
        if request.method == "OPTIONS" and origin is not None:
            await answer.whole(204, _preflight(), b"")
            return
        if request.method != "POST":
            await _refuse(answer, 405, "METHOD_NOT_ALLOWED: Send POST.", [("allow", "POST, OPTIONS")])
            return
        grant = self._admit(service_id, request)
        service = self._services(service_id)
        if service is None:
            raise Unavailable("The service is not there now; try again.", code="service_absent")
        if (waits := _waits_for(service, request)) is not None:
            await answer.document(206, {"data": waits})
            return
        await self._run(service, grant, request, reader, answer)

    def _admit(self, service_id: str, request: Request) -> Grant:
        """Who asks; raises what `QueryAccess.check` raises, and TooOften.

        A good key is let in however often others failed from its address: nobody can shut it out.
        """
        address = request.header(CLIENT_ADDRESS) or ""
        try:
            key_id, secret = _credentials(request)
            grant = self._access.check(service_id, key_id=key_id, key_secret=secret, address=address)
        except (Unauthenticated, Denied) as error:
            self._failures.take(neighbourhood(address))
            _log.info("query_refused", service=service_id, address=address, reason=error.code)
            raise
        self._by_key.take(grant.key_id)
        return grant

    async def _run(
        self, service: Service, grant: Grant, request: Request, reader: asyncio.StreamReader, answer: Answer
    ) -> None:
        """Run the statement for as long as the client listens and the key holds."""
        of_key = sum(running.grant.key_id == grant.key_id for running in self._running)
        of_service = sum(running.service is service for running in self._running)
        full = of_key >= RUN_OF_ONE_KEY or of_service >= RUN_OF_ONE_SERVICE or len(self._running) >= RUN_AT_A_TIME
        if full:
            raise TooMany("Too many queries run at a time; wait until one has ended.", code="queries_busy")
        work = asyncio.get_running_loop().create_task(self._forward(service, grant, request, answer))
        running = _Running(grant, service, work)
        self._running.add(running)
        gone = asyncio.get_running_loop().create_task(reader.read(1))
        try:
            await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._running.discard(running)
            for task in (work, gone):
                task.cancel()
            outcomes = await asyncio.gather(work, gone, return_exceptions=True)
        if isinstance(outcomes[0], asyncio.CancelledError):
            raise Denied("This API key may not query this service any more.", code="key_revoked")
        if isinstance(outcomes[0], BaseException):
            raise outcomes[0]

    async def _forward(self, service: Service, grant: Grant, request: Request, answer: Answer) -> None:
        statement = statement_of(request)
        user = user_of(grant.key_id)
        socket = await service.ready_for(user)
        password = service.query_users.password.reveal()
        # Not Basic, where a name ends at its first colon.
        headers: list[Header] = [("x-clickhouse-user", user), ("x-clickhouse-key", password)]
        headers += [(name, value) for name in _FROM_EDGE if (value := request.header(name))]
        agent = request.header("user-agent") or ""
        if _PRINTABLE.fullmatch(agent):
            headers.append(("user-agent", agent))
        body = statement.sql.encode()
        async with ask_worker(socket, target=statement.target, headers=headers, body=body) as result:
            await _pass_back(result, answer)


async def _pass_back(result: WorkerAnswer, answer: Answer) -> None:
    """A worker's answer; errors of ClickHouse's are 400 with its text."""
    headers = [(name, result.headers[name]) for name in _PASSED_BACK if name in result.headers]
    if result.status == HTTPStatus.OK:
        await answer.begin(HTTPStatus.OK, headers)
        async for piece in result.pieces():
            await answer.piece(piece)
        await answer.end()
        return
    code = result.headers.get("x-clickhouse-exception-code", "")
    text = await result.text(MAX_ERROR_BYTES)
    status = {NOT_SIGNED_IN: 503, TOO_MANY_QUERIES: 429, TOO_MUCH: 429}.get(code, 400)
    if code == NOT_SIGNED_IN:
        text = b"SERVICE_UNAVAILABLE: The service is changing who may use it, or refuses this address; try again.\n"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        headers.append(("x-ratelimit-reset", "1"))
    await answer.whole(status, headers, text)


def _waits_for(service: Service, request: Request) -> str | None:
    """What stands between a client and a service that does not run, in the Cloud's words; None for nothing."""
    if service.document.state != "running":
        return "Service is stopped"
    wants = (request.header("wake-service") or "").lower() == "true"
    return "Confirm wake service" if service.state == "idle" and not wants else None


def _credentials(request: Request) -> tuple[str, Secret]:
    scheme, _, encoded = (request.header("authorization") or "").partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    key_id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Unauthenticated("Send an API key id and secret by HTTP Basic authentication.", code="credentials_missing")
    return key_id, Secret(secret)


def _preflight() -> Sequence[Header]:
    return (
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", _ASKED_OF_PAGES),
        ("access-control-max-age", str(PREFLIGHT_SECONDS)),
    )


async def _tell(answer: Answer, error: StronghouseError) -> None:
    """An error raised on purpose, as the API words it."""
    status, word = _KINDS.get(error.kind, (500, "INTERNAL_ERROR"))
    if isinstance(error, TooLarge):
        status, word = 413, "PAYLOAD_TOO_LARGE"
    headers: list[Header] = []
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append(("www-authenticate", 'Basic realm="stronghouse"'))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = error.seconds if isinstance(error, TooOften) else 1.0
        headers.append(("x-ratelimit-reset", f"{seconds:.1f}"))
    await _refuse(answer, status, f"{word}: {error.public}", headers)


async def _refuse(answer: Answer, status: int, text: str, headers: Sequence[Header] = ()) -> None:
    await answer.document(status, {"status": status, "error": text, "requestId": new_id()}, headers)
