"""Requests like one that came a moment ago, answered with as little as possible done anew.

Programs send the same few statements over and over, each of which takes the engine half a millisecond. What comes
before and after, done in full, takes half of that again: options, who it is, what the statement is, the form of its
record. All of it follows from a few headers and the statement's text, so it is remembered for a while, and what is not
just the same goes the usual way (`front`). Nothing is remembered of results: the engine runs every statement.

Invariants:
- What is remembered holds for one catalogue: after any change of access nothing is.
- No password is remembered, only a keyed digest of what a request says of itself.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from stronghouse.engine.connection import Result
from stronghouse.engine.errors import DatabaseError, cancelled
from stronghouse.engine.logs.records import Template
from stronghouse.worker.accounts import Accounts
from stronghouse.worker.caller import CLIENT_ADDRESS, CLIENT_PORT, TLS_CIPHER, TLS_VERSION, Caller, in_comment
from stronghouse.worker.connections import Connections, Kind
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.gate import Gate
from stronghouse.worker.query import KNOWN_BYTES, Query, next_token, reads_usage
from stronghouse.worker.recording import Recorder, Trace, new_query_id
from stronghouse.worker.responses import Header, Identity, format_headers, outcome_headers
from stronghouse.worker.running import Running

REMEMBERED = 1024
REMEMBERED_SECONDS = 20.0
"""Less than what counts as one sign-in for the session log: now and then a request has to go the usual way."""
_SAID = (
    *("authorization", "x-clickhouse-user", "x-clickhouse-key", CLIENT_ADDRESS, TLS_VERSION, TLS_CIPHER),
    *("user-agent", "referer", "x-forwarded-for"),
)
"""Headers that say something that is recorded or decides something."""
_UNUSUAL = frozenset(
    (
        *("content-encoding", "content-type", "x-clickhouse-query-id", "x-clickhouse-database", "x-clickhouse-format"),
        "x-clickhouse-quota",
    )
)
_USUAL, _USUAL_TYPE = {"content-type"}, "application/x-www-form-urlencoded"
"""What of these curl sends nevertheless, and what it says."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of such requests."""

    caller: Caller
    kind: Kind
    text: str
    output_format: str
    comment: str
    template: Template
    headers: list[Header]
    until: float


@dataclass(slots=True, eq=False)
class _Again:
    """One that is being answered, as `running.Job`."""

    exchange: Exchange
    user_id: str
    query_id: str
    token: str
    started: float = field(default_factory=time.monotonic)
    cancelled_at: float | None = None

    def carry(self) -> None:
        """Its result is short."""

    def hung_up(self) -> bool:
        """Whether its client is gone."""
        return self.exchange.hung_up()

    def cancel(self) -> None:
        """Its body was read; the engine is told by who calls this."""

    def abort(self) -> None:
        """Close its connection."""
        self.exchange.abort()


class Repeats:
    """Remembers requests, and answers those that come again. Safe to use from several threads."""

    def __init__(
        self,
        accounts: Accounts,
        connections: Connections,
        running: Running,
        gate: Gate,
        recorder: Recorder,
        identity: Identity,
    ) -> None:
        self._accounts, self._connections, self._running = accounts, connections, running
        self._gate, self._recorder, self._identity = gate, recorder, identity
        self._key = secrets.token_bytes(32)
        self._lock = Lock()
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def digest(self, exchange: Exchange) -> bytes | None:
        """What names requests like this one; None for one that is not of the kind that is remembered."""
        headers = exchange.headers
        if exchange.query or exchange.method != "POST":
            return None
        if not _UNUSUAL.isdisjoint(headers) and (
            _UNUSUAL.intersection(headers) != _USUAL or headers["content-type"] != _USUAL_TYPE
        ):
            return None
        body = exchange.body.whole(KNOWN_BYTES)
        if body is None:
            return None
        said_so = "\n".join([headers.get(name, "") for name in _SAID])
        content = b"%d\n%b%b" % (len(body), body, said_so.encode("utf-8", "surrogateescape"))
        return hashlib.blake2b(content, key=self._key, digest_size=32).digest()

    def remember(self, digest: bytes, query: Query, trace: Trace) -> None:
        """Requests with this digest are like the one that `trace` is of, which has just succeeded."""
        caller, kind, statement = query.caller, query.ran_quickly, query.statement
        if kind is None or statement is None or caller.catalogue.quotas:
            return
        if (
            reads_usage(statement.text)
            or statement.marks
            or any(method.valid_until is not None for method in caller.user.methods)
        ):
            return
        known = _Known(
            caller,
            kind,
            statement.text,
            query.output_format,
            f'"u":{caller.name_in_comment},"a":{in_comment(query.address)}',
            self._recorder.template(trace, caller),
            format_headers(self._identity, query.output_format),
            time.monotonic() + REMEMBERED_SECONDS,
        )
        with self._lock:
            self._known[digest] = known
            self._known.move_to_end(digest)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def answer(self, digest: bytes, exchange: Exchange) -> bool:
        """Answer a request like one that is remembered; False, with nothing done, if it has to go the usual way.

        Raises:
            DatabaseError: 394 when the query was ended; the journal's when it cannot be recorded.
            ConnectionError: the client is gone.
        """
        known = self._known.get(digest)
        if known is None:
            return False
        job = _Again(exchange, known.caller.user.id, new_query_id(), next_token())
        if known.until < job.started:
            return False
        started = int(time.time() * 1e6)
        # The gate first: who holds a turn must not wait there, for those inside wait for turns.
        with self._gate:
            result = self._run(known, job) if self._accounts.catalogue is known.caller.catalogue else None
        if result is None:
            self._forget(digest)
            return False
        self._finish(known, job, result, started)
        return True

    def _run(self, known: _Known, job: _Again) -> Result | None:
        """Run the statement; None if it has to go the usual way. Inside the gate."""
        try:
            self._running.enter(job)
        except DatabaseError:
            if job.cancelled_at is not None:
                raise
            return None
        try:
            connection = self._connections.take(known.caller, known.kind)
            sql = f'/*sh:{job.user_id} {job.token} {{"q":"{job.query_id}",{known.comment}}}*/ {known.text}'
            try:
                result = connection.take(sql, output_format=known.output_format)
            except DatabaseError:
                connection.close()
                if job.cancelled_at is not None:
                    raise cancelled() from None
                return None  # what is wrong is found out again, and told, in the usual way
            self._connections.give_back(connection, known.caller, known.kind)
            return result
        finally:
            self._running.leave(job)

    def _finish(self, known: _Known, job: _Again, result: Result, started: int) -> None:
        """Record it, then answer."""
        exchange, counters = job.exchange, result.counters
        exchange.body.read(KNOWN_BYTES)
        port = exchange.headers.get(CLIENT_PORT, "")
        ended = int(time.time() * 1e6)
        encoded = known.template.encoded(
            started=started,
            ended=ended,
            read_rows=counters.read_rows,
            read_bytes=counters.read_bytes,
            result_rows=counters.result_rows,
            result_bytes=len(result.data),
            query_id=job.query_id,
            port=int(port) if port.isdecimal() else 0,
            token=job.token,
        )
        self._recorder.append(encoded)
        told = outcome_headers(job.query_id, counters, (ended - started) / 1e6)
        exchange.respond(200, [*known.headers, *told], result.data)

    def _forget(self, digest: bytes) -> None:
        with self._lock:
            self._known.pop(digest, None)
