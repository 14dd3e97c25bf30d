"""ClickHouse's HTTP interface over the engine."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator

import structlog
from aiohttp import web
from multidict import CIMultiDictProxy

from stronghouse.engine.admission import Admission
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import UNKNOWN_EXCEPTION, DatabaseError, cancelled
from stronghouse.kernel.errors import StronghouseError
from stronghouse.worker.authentication import Credentials, Owner, read_credentials
from stronghouse.worker.body import BodyReader
from stronghouse.worker.multipart import read_form
from stronghouse.worker.options import Options, read_options
from stronghouse.worker.pipe import PipeReader
from stronghouse.worker.query import QueryJob
from stronghouse.worker.responses import Identity, error_response, send_result
from stronghouse.worker.running import Running
from stronghouse.worker.sessions import Session, Sessions

CLIENT_ADDRESS = "X-SH-Client-IP"
"""Set by the edge, which alone can reach the socket, after it has removed what clients sent."""
SHORT_BODY_BYTES = 64 << 10
OK_PATHS = frozenset({"/ping", "/replicas_status"})
NOT_FOUND = "There is no handle {path}\n\nSend queries to /, and use /ping for health checks.\n"
_log = structlog.get_logger()


class Front:
    """Answers requests."""

    def __init__(self, engine: Engine, admission: Admission, owner: Owner, identity: Identity) -> None:
        self.sessions = Sessions()
        self.running = Running(engine)
        self.draining = False
        self._engine = engine
        self._admission = admission
        self._owner = owner
        self._identity = identity

    def set_password(self, password_sha256: str) -> None:
        """Another password from now on; every session ends."""
        self._owner.set_password(password_sha256)
        self.sessions.revoke()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.path in OK_PATHS or (
            request.path == "/" and request.method in {"GET", "HEAD"} and not request.query_string
        ):
            return self._last(web.Response(text="Ok.\n"))
        if request.path != "/":
            return self._last(web.Response(status=404, text=NOT_FOUND.format(path=request.path)))
        if request.method not in {"GET", "HEAD", "POST", "PUT"}:
            return self._last(web.Response(status=405, text="Use GET or POST.\n", headers={"Allow": "GET, HEAD, POST"}))
        return await self._answer(request)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        started = time.monotonic()
        fallback_id = str(uuid.uuid4())
        seen: dict[str, object] = {"query_id": fallback_id}
        error: DatabaseError | None = None
        credentials: Credentials | None = None
        try:
            credentials = read_credentials(request.headers, request.query)
            self._owner.authenticate(credentials)
            response, error = await self._query(request, credentials, fallback_id, seen)
        except DatabaseError as failure:
            error = failure
            challenge = failure.name == "AUTHENTICATION_FAILED" and credentials is not None and not credentials.given
            response = error_response(failure, self._identity, query_id=str(seen["query_id"]), challenge=challenge)
        except StronghouseError as failure:
            error = DatabaseError(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", failure.public)
            response = error_response(error, self._identity, query_id=str(seen["query_id"]))
        except asyncio.CancelledError:
            error = cancelled()
            raise
        finally:
            _log.info(
                "request",
                method=request.method,
                address=_address(request),
                code=error.number if error else 0,
                milliseconds=round((time.monotonic() - started) * 1000),
                **seen,
            )
        return self._last(response)

    async def _query(
        self, request: web.Request, credentials: Credentials, fallback_id: str, seen: dict[str, object]
    ) -> tuple[web.StreamResponse, DatabaseError | None]:
        headers: CIMultiDictProxy[str] = request.headers
        form = await read_form(request)
        options = read_options(request.method, headers, form.pairs, fallback_id=fallback_id)
        seen["query_id"] = options.query_id
        body = BodyReader(None) if form.consumed else await _body(request)
        self._owner.authenticate(credentials)  # again: the form may have taken long, and the password been replaced
        async with self._admitted(options) as session:
            job = QueryJob(
                self._engine,
                self._admission,
                options,
                body,
                "" if form.consumed else headers.get("Content-Encoding", ""),
                self._owner.username,
                _address(request),
                self.running.kill_by_id,
                session=session,
                external=form.tables,
            )
            try:
                return await self._run(request, job)
            finally:
                seen.update(verb=job.verb, read_rows=job.counters.read_rows, written_rows=job.counters.written_rows)

    @contextlib.asynccontextmanager
    async def _admitted(self, options: Options) -> AsyncIterator[Session | None]:
        self.running.begin()
        session: Session | None = None
        try:
            session = self.sessions.take(options.session) if options.session else None
            yield session
        finally:
            if session is not None and options.session is not None:
                self.sessions.give_back(session, timeout=options.session.timeout)
            self.running.end()

    async def _run(self, request: web.Request, job: QueryJob) -> tuple[web.StreamResponse, DatabaseError | None]:
        pipe = PipeReader(job.reading)
        done = self.running.start(job)
        finished = False
        try:
            sent = await send_result(request, job, done, pipe, self._identity)
            finished = True
        except ConnectionAbortedError:
            raise DatabaseError(210, "NETWORK_ERROR", "The client went away") from None
        finally:
            if not finished:
                await self._abandon(job, done, pipe)
            pipe.close()
        return sent

    async def _abandon(self, job: QueryJob, done: "asyncio.Future[None]", pipe: PipeReader) -> None:
        """End a job whose result nobody takes. A blocked writer ends only when its pipe is read or closed."""
        if done.done():
            return
        self.running.cancel(job)
        task = asyncio.create_task(_finish(done, pipe))
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(task)

    def _last(self, response: web.StreamResponse) -> web.StreamResponse:
        if self.draining and not response.prepared:
            response.force_close()
        return response


async def _body(request: web.Request) -> BodyReader:
    """The body; a short one is awaited here, which spares a thread from waiting for it."""
    length = request.content_length
    if not request.body_exists:
        return BodyReader(None)
    if length is None or length > SHORT_BODY_BYTES:
        return BodyReader(request.content)
    return BodyReader(None, await request.content.read())


async def _finish(done: "asyncio.Future[None]", pipe: PipeReader) -> None:
    await pipe.drain()
    with contextlib.suppress(DatabaseError, ConnectionAbortedError):
        await done


def _address(request: web.Request) -> str:
    return request.headers.get(CLIENT_ADDRESS, "")[:64]
