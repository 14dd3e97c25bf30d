"""ClickHouse's HTTP interface over the engine: what happens to one request, from its head to its last byte.

The order counts. Nothing is read of a request whose sender is not known; who it is is asked again when its statement is
there, since that may take long; and no answer ends before its record is with the operating system.
"""

import contextlib
import time
from dataclasses import dataclass

from stronghouse.engine.access.answers import Shown, as_select
from stronghouse.engine.access.changes import ChangingStatement
from stronghouse.engine.access.statements import AccessStatement, SetRole
from stronghouse.engine.admission import Statement
from stronghouse.engine.errors import UNKNOWN_EXCEPTION, DatabaseError, read_only
from stronghouse.kernel.errors import StronghouseError
from stronghouse.worker.accounts import Accounts
from stronghouse.worker.authentication import Credentials, read_credentials
from stronghouse.worker.body import Source
from stronghouse.worker.caller import Caller, Peer
from stronghouse.worker.decoders import decoded
from stronghouse.worker.desk import Desk
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.form import Form, read_form
from stronghouse.worker.gate import Gate
from stronghouse.worker.memory import Holding
from stronghouse.worker.native_blocks import BlockCompressor, BlockReader
from stronghouse.worker.options import Options, read_options
from stronghouse.worker.query import Query, Tools
from stronghouse.worker.recording import Recorder, Trace, consumer_of
from stronghouse.worker.repeating import Repeats
from stronghouse.worker.responses import (
    Header,
    Identity,
    break_off,
    exception_tag,
    result_headers,
    send_error,
    send_text,
)
from stronghouse.worker.result import ResultStream
from stronghouse.worker.sessions import Sessions

OK_PATHS = frozenset({"/ping", "/replicas_status"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT"})
NOT_FOUND = "There is no handle {path}\n\nSend queries to /, and use /ping for health checks.\n"


class _Nothing:
    """A body that has been read."""

    def read(self, _size: int, /) -> bytes:
        return b""


@dataclass(frozen=True)
class Front:
    """Answers requests.

    Attributes:
        accounts: who may ask.
        desk: answers access statements.
        tools: run queries.
        gate: closed while the engine is reopened.
        sessions, recorder: the worker's.
        identity: what every response says of the server.
        repeats: answers what comes again.
    """

    accounts: Accounts
    desk: Desk
    tools: Tools
    gate: Gate
    sessions: Sessions
    recorder: Recorder
    identity: Identity
    repeats: Repeats

    def handle(self, exchange: Exchange) -> None:
        """Answer one request; raises ConnectionError."""
        asks = exchange.path == "/" and (bool(exchange.query) or exchange.method not in {"GET", "HEAD"})
        if asks and exchange.method in METHODS:
            self._answer(exchange)
        elif asks:
            send_text(exchange, "Use GET or POST.\n", status=405, headers=(("Allow", "GET, HEAD, POST"),))
        elif exchange.path == "/" or exchange.path in OK_PATHS:
            send_text(exchange, "Ok.\n")
        else:
            path = exchange.path.encode("utf-8", "replace").decode()
            send_text(exchange, NOT_FOUND.format(path=path), status=404)

    def _answer(self, exchange: Exchange) -> None:
        digest = self.repeats.digest(exchange)
        if digest is not None and self._again(digest, exchange):
            return
        trace = Trace(Peer.of(exchange.headers), exchange.method)
        credentials: Credentials | None = None
        try:
            credentials = read_credentials(exchange.headers, exchange.query)
            trace.quota_key = _quota_key(exchange)
            caller = self._authenticate(credentials, trace)
            self._query(exchange, caller, trace)
            if digest is not None and trace.query is not None:
                self.repeats.remember(digest, trace.query, trace)
        except DatabaseError as error:
            challenge = error.name == "AUTHENTICATION_FAILED" and credentials is not None and not credentials.given
            self._fail(exchange, trace, error, challenge=challenge)
        except StronghouseError as error:
            self._fail(exchange, trace, DatabaseError(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", error.public))
        except ConnectionError:
            trace.error = DatabaseError(210, "NETWORK_ERROR", "The client went away")
            self.recorder.failed(trace)
            raise
        except Exception:
            self._note_unexpected(trace)
            raise

    def _again(self, digest: bytes, exchange: Exchange) -> bool:
        """Answer a request like one that came before; False if there was none."""
        try:
            return self.repeats.answer(digest, exchange)
        except DatabaseError as error:
            self._fail(exchange, self._traced(exchange), error)
            return True
        except ConnectionError:
            raise
        except Exception:
            self._note_unexpected(self._traced(exchange))
            raise

    def _traced(self, exchange: Exchange) -> Trace:
        """What is known of a request that was answered without a trace."""
        trace = Trace(Peer.of(exchange.headers), exchange.method)
        with contextlib.suppress(DatabaseError):
            trace.caller = self.accounts.authenticate(read_credentials(exchange.headers, ()), trace.peer.address)
        return trace

    def _note_unexpected(self, trace: Trace) -> None:
        """The client is told by the server, which knows no more of it."""
        trace.error = DatabaseError(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", "The service met an internal error")
        self.recorder.failed(trace)

    def _fail(self, exchange: Exchange, trace: Trace, error: DatabaseError, *, challenge: bool = False) -> None:
        """Answer with an error, in the words that the client may see; raises ConnectionError."""
        trace.error = shown = self.recorder.shown(error, trace)
        self.recorder.failed(trace)
        self._release(trace)
        send_error(exchange, shown, self.identity, query_id=trace.query_id, challenge=challenge)

    def _authenticate(self, credentials: Credentials, trace: Trace) -> Caller:
        try:
            caller = self.desk.sign_in(credentials, trace.peer.address, quota_key=trace.quota_key)
        except DatabaseError as error:
            self.recorder.refused(trace, credentials.username, error)
            raise
        trace.caller = caller
        self.recorder.signed_in(trace, caller)
        return caller

    def _query(self, exchange: Exchange, caller: Caller, trace: Trace) -> None:
        running, user_id = self.tools.running, caller.user.id
        running.begin(user_id)
        holding = running.memory.of(user_id)
        try:
            self._read_and_run(exchange, caller, trace, holding)
        except (DatabaseError, ConnectionError) as error:
            # The trace keeps the error, whose frames would keep all that was read until Python looks for cycles.
            error.__traceback__ = error.__context__ = None
            raise
        finally:
            self._release(trace)
            if trace.query is not None:
                trace.query.source, trace.query.external = _Nothing(), ()
            holding.close()
            running.end(user_id)

    def _read_and_run(self, exchange: Exchange, caller: Caller, trace: Trace, holding: Holding) -> None:
        """All for which a request has its turn."""
        form = read_form(exchange, holding)
        options = read_options(exchange.method, exchange.headers, form.pairs)
        trace.query_id, trace.quota_key = options.query_id or trace.query_id, options.quota_key
        wanted = options.session
        session = trace.session = self.sessions.take(wanted, caller) if wanted else None
        if options.roles:
            caller = caller.with_roles(options.roles)
        elif session is not None:
            caller = session.caller
        query = trace.query = Query(
            self.tools,
            exchange,
            caller,
            trace.peer.address,
            trace.query_id,
            options,
            _source(exchange, form, options, holding),
            self._stream,
            session=session,
            external=form.tables,
        )
        statement, data = query.read()
        query.caller = trace.caller = self.accounts.still(query.caller)
        self.recorder.began(trace, query.caller, statement)
        if statement.kind == "access":
            self._access(exchange, query, statement, trace)
        else:
            self._run(exchange, query, statement, data, trace)

    def _release(self, trace: Trace) -> None:
        """Give a session back. It comes before an answer's end: the next request may follow on its heels."""
        session, trace.session = trace.session, None
        if session is not None:
            self.sessions.give_back(session, timeout=session.timeout)

    def _run(self, exchange: Exchange, query: Query, statement: Statement, data: bytes, trace: Trace) -> None:
        """Run a statement in the engine and send what comes of it."""
        try:
            self._run_inside(query, statement, data, trace)
            self.recorder.ended(trace)
        except DatabaseError as error:
            if query.stream is None or not query.stream.begun:
                raise
            trace.error = shown = self.recorder.shown(error, trace)
            self.recorder.failed(trace)
            self._release(trace)
            break_off(exchange, shown, self.identity, query.tag)
            return
        stream = query.stream
        if stream is not None:
            self.tools.sizes.note(statement.text, stream.size)
        self._release(trace)
        if stream is not None and stream.begun:
            exchange.end()
        else:
            exchange.respond(200, self._headers(query), bytes(stream.held) if stream is not None else query.data)

    def _run_inside(self, query: Query, statement: Statement, data: bytes, trace: Trace) -> None:
        """The part of it for which the engine must stay as it is."""
        running = self.tools.running
        failure: DatabaseError | None = None
        with self.gate:
            # Inside, catalogue and engine are the same: what was taken away since is not there any more.
            query.caller = trace.caller = self.accounts.still(query.caller)
            running.add(query, queues=not statement.kills)
            failed = True
            try:
                query.run(statement, data)
                failed = False
            except DatabaseError as error:
                failure = error
            finally:
                try:
                    if query.stream is not None:
                        query.stream.finish(failed=failed)
                finally:
                    running.remove(query, queued=not statement.kills)
                    if failure is not None:  # it says more than that the client, told nothing yet, went away
                        raise failure

    def _access(self, exchange: Exchange, query: Query, statement: Statement, trace: Trace) -> None:
        """Answer an access statement, which the engine never sees."""
        wanted = self.desk.read(statement.text)
        if isinstance(wanted, SetRole):
            query.caller = trace.caller = caller = self.desk.roles(wanted, query.caller)
            if query.session is not None:
                query.session.caller = caller
        elif (shown := self._shown(wanted, query, trace)) is not None:
            answer = self.tools.admission.ours(as_select(shown), output_format=statement.output_format)
            self._run(exchange, query, answer, b"", trace)
            return
        elif query.options.read_only:
            raise read_only()
        elif isinstance(wanted, ChangingStatement):
            self.desk.change(wanted, query.caller, database=self._current_database(query))
        self.recorder.ended(trace)
        self._release(trace)
        exchange.respond(200, self._headers(query))

    def _shown(self, wanted: AccessStatement, query: Query, trace: Trace) -> Shown | None:
        consumer = consumer_of(trace, query.caller)
        return self.desk.show(wanted, query.caller, consumer, database=self._current_database(query))

    def _current_database(self, query: Query) -> str:
        """The database that names without one are in."""
        session = query.session
        if query.options.database is None and session is not None:
            with self.gate:
                if session.connection is not None:
                    return session.connection.value("SELECT currentDatabase()")
        return query.database

    def _stream(self, query: Query) -> ResultStream:
        return ResultStream(
            query.exchange,
            head=lambda: self._head(query),
            wait=query.options.wait_end_of_query,
            framing=BlockCompressor() if query.options.compress else None,
        )

    def _head(self, query: Query) -> list[Header]:
        """The headers of a result that is sent before its query has ended."""
        query.tag = exception_tag() if query.is_plain else None
        return self._headers(query, tag=query.tag)

    def _headers(self, query: Query, *, tag: str | None = None) -> list[Header]:
        headers = result_headers(
            self.identity,
            query_id=query.query_id,
            output_format=query.output_format,
            counters=query.counters,
            elapsed=time.monotonic() - query.started,
            encoding=query.encoding,
            tag=tag,
        )
        return [*query.progress, *headers] if query.progress else headers


def _source(exchange: Exchange, form: Form, options: Options, holding: Holding) -> Source:
    """The request's body without its compressions."""
    if form.consumed:
        return _Nothing()
    source = decoded(exchange.headers.get("content-encoding", ""), exchange.body, holding)
    return BlockReader(source, holding) if options.decompress else source


def _quota_key(exchange: Exchange) -> str:
    """The key that quotas by client key count under, as far as it is known before the request's form is read."""
    given = dict(exchange.query).get("quota_key") if exchange.query else None
    return given or exchange.headers.get("x-clickhouse-quota", "")
