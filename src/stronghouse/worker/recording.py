"""Recording what was asked: one record of each request of a user, with the operating system before its answer ends.

Invariants:
- A request that succeeded has its record: where that cannot be written, the request fails instead.
- Neither a record nor an error that a client sees holds a secret of the statement.
"""

import os
import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, cast

from stronghouse.engine.admission import Statement
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.journal import Journal
from stronghouse.engine.logs.masking import NOTHING, Masked, mask, mask_settings, mask_text, mask_written, scrub
from stronghouse.engine.logs.records import AuthType, HttpMethod, QueryRecord, SessionRecord, Template
from stronghouse.engine.quotas import Consumer, QuotaKeeper
from stronghouse.worker.caller import Caller, Peer
from stronghouse.worker.log import log
from stronghouse.worker.naming import with_real_names
from stronghouse.worker.query import Query
from stronghouse.worker.sessions import Session

REMEMBERED_TEXTS = 1024
LOGGED_IN_SECONDS = 60.0
"""Requests of one user from one address within this time of each other are one sign-in in the session log."""
_REFUSED = frozenset({48, 73, 115, 164, 452, 497})
"""Codes of statements that were understood, and not admitted: nothing in them is misspelt."""
_WITH_DATA = re.compile(r"(\A\s*INSERT\b.*?\b(?:VALUES|FORMAT\s+\w+))\b.*", re.IGNORECASE | re.DOTALL)
"""An INSERT and what follows it: data are not recorded."""
_METHODS = frozenset({"GET", "POST", "PUT", "HEAD"})


def new_query_id() -> str:
    """A random UUID (RFC 9562, version 4); the library takes four times as long."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


@dataclass(slots=True, eq=False)
class Trace:
    """What is known of a request while it goes on.

    Attributes:
        peer: where it comes from.
        http_method: as in HTTP.
        query_id: as the client gave it, else a new one.
        caller: once it is known who it is.
        quota_key: as the client gave it.
        session: while the request holds one.
        query: once its options are read.
        error: what the client is told, if it failed.
        charged: whether the query was counted for quotas at its beginning.
        recorded: whether it has its record.
    """

    peer: Peer
    http_method: str
    query_id: str = field(default_factory=new_query_id)
    started: float = field(default_factory=time.time)
    caller: Caller | None = None
    quota_key: str = ""
    session: Session | None = None
    query: Query | None = None
    error: DatabaseError | None = None
    charged: bool = False
    recorded: bool = False


class Recorder:
    """Writes records, counts for quotas, and says what a client may read of an error. Safe to use from many threads."""

    def __init__(self, journal: Journal, quotas: QuotaKeeper, patterns: Callable[[str], str] | None) -> None:
        self._journal = journal
        self._quotas = quotas
        self._patterns = patterns
        self._lock = threading.Lock()
        self._masked: OrderedDict[str, Masked] = OrderedDict()
        self._signed_in: dict[tuple[str, str, str, str], float] = {}

    # --- signing in

    def refused(self, trace: Trace, username: str, error: DatabaseError) -> None:
        """Somebody was not let in."""
        reason = error.public if len(error.public) < len(username) else error.public.replace(username, "user", 1)
        self._append_best(
            SessionRecord(
                type="LoginFailure",
                event_time_microseconds=_now(),
                auth_id=str(uuid.uuid4()),
                user=username[:256],
                client_address=trace.peer.address,
                client_port=trace.peer.port,
                client_name=_masked(trace.peer.user_agent),
                failure_reason=reason,
                tls_version=trace.peer.tls_version,
                tls_cipher=trace.peer.tls_cipher,
            )
        )

    def signed_in(self, trace: Trace, caller: Caller) -> None:
        """Somebody was let in; raises DatabaseError when that cannot be recorded."""
        peer, now = trace.peer, time.monotonic()
        key = (caller.user.id, peer.address, caller.method, peer.tls_cipher)
        seen = self._signed_in.get(key)
        self._signed_in[key] = now
        if seen is not None and now - seen < LOGGED_IN_SECONDS:
            return
        self._forget(now)
        try:
            self._journal.append(self._success(trace, caller))
        except DatabaseError:
            self._signed_in.pop(key, None)  # it counts once it is recorded
            raise

    def _success(self, trace: Trace, caller: Caller) -> SessionRecord:
        peer = trace.peer
        return SessionRecord(
            type="LoginSuccess",
            event_time_microseconds=_now(),
            auth_id=str(uuid.uuid4()),
            user=caller.user.name,
            auth_type=cast("AuthType", caller.method.upper()),
            roles=caller.role_names,
            client_address=peer.address,
            client_port=peer.port,
            client_name=_masked(peer.user_agent),
            tls_version=peer.tls_version,
            tls_cipher=peer.tls_cipher,
        )

    # --- queries

    def began(self, trace: Trace, caller: Caller, statement: Statement) -> None:
        """A statement is about to run; raises DatabaseError 201 when a quota does not allow it."""
        if caller.is_owner and statement.kind == "access":
            return  # a quota for everybody could not be altered or dropped by anybody
        if caller.catalogue.quotas:
            self._quotas.check(caller.catalogue, consumer_of(trace, caller), _kind(statement))
            trace.charged = True

    def ended(self, trace: Trace) -> None:
        """A request succeeded, all but its answer's end; raises DatabaseError when that cannot be recorded."""
        if trace.caller is not None:
            self._charge(trace, trace.caller)
            self._journal.append(self._record(trace, trace.caller))
            trace.recorded = True

    def failed(self, trace: Trace) -> None:
        """A request failed. It makes no second record of one that was recorded, as one whose answer did not get out."""
        if trace.caller is None or trace.recorded:
            return
        trace.recorded = True
        try:
            self._charge(trace, trace.caller)
        finally:
            self._append_best(self._record(trace, trace.caller))

    def shown(self, error: DatabaseError, trace: Trace) -> DatabaseError:
        """The error as the client may read it: with real names, without secrets."""
        message = error.public
        if trace.caller is not None:
            message = with_real_names(message, trace.caller)
        found = self._masked_of(trace.query, error)
        message = scrub(message, found.secrets if found is not None else NOTHING, self._patterns)
        return error if message == error.public else DatabaseError(error.number, error.name, message)

    def template(self, trace: Trace, caller: Caller) -> Template:
        """What makes records of requests like this one."""
        return Template(self._record(trace, caller))

    def append(self, encoded: bytes) -> None:
        """Record what a template made; raises DatabaseError when that cannot be done."""
        self._journal.append_encoded(encoded)

    def _record(self, trace: Trace, caller: Caller) -> QueryRecord:
        query, error, peer = trace.query, trace.error, trace.peer
        now = time.time()
        counters = query.counters if query is not None else None
        statement = self._masked_of(query, error)
        return QueryRecord(
            type=_type(query, error),
            event_time_microseconds=int(now * 1e6),
            query_start_time_microseconds=int(trace.started * 1e6),
            query_duration_ms=int((now - trace.started) * 1e3),
            read_rows=counters.read_rows if counters else 0,
            read_bytes=counters.read_bytes if counters else 0,
            written_rows=counters.written_rows if counters else 0,
            written_bytes=counters.written_bytes if counters else 0,
            result_rows=counters.result_rows if counters else 0,
            result_bytes=query.sent_bytes if query is not None else 0,
            current_database=query.database if query is not None else "",
            query=statement.text if statement is not None else "",
            query_kind=query.kind if query is not None else "",
            exception_code=error.number if error else 0,
            exception=error.public if error else "",
            user=caller.user.name,
            query_id=trace.query_id,
            address=peer.address,
            port=peer.port,
            is_secure=bool(peer.tls_version),
            http_method=cast("HttpMethod", trace.http_method if trace.http_method in _METHODS else "UNKNOWN"),
            http_user_agent=_masked(peer.user_agent),
            http_referer=_masked(peer.referer),
            forwarded_for=peer.forwarded_for,
            quota_key=_masked(trace.quota_key),
            roles=caller.role_names,
            settings=mask_settings(query.options.settings) if query is not None and query.options.settings else {},
            token=query.token if query is not None and query.in_engine else "",
        )

    def _charge(self, trace: Trace, caller: Caller) -> None:
        query = trace.query
        if query is None or not trace.charged:
            return
        counters = query.counters
        amounts = {
            "errors": 1.0 if trace.error else 0.0,
            "result_rows": counters.result_rows,
            "result_bytes": query.sent_bytes,
            "read_rows": counters.read_rows,
            "read_bytes": counters.read_bytes,
            "written_bytes": counters.written_bytes,
            "execution_time": time.time() - trace.started,
        }
        self._quotas.charge(caller.catalogue, consumer_of(trace, caller), amounts)

    def _masked_of(self, query: Query | None, error: DatabaseError | None) -> Masked | None:
        """The statement as it may be recorded, as far as it was read."""
        if query is None:
            return None
        if query.text:
            return self._mask(query.text)
        if not query.written:
            return None
        written = _WITH_DATA.sub(r"\1", query.written, count=1)
        if error is not None and error.number in _REFUSED:
            return mask(written, self._patterns)
        return mask_written(written, self._patterns)

    def _mask(self, text: str) -> Masked:
        with self._lock:
            found = self._masked.get(text)
        if found is None:
            found = mask(text, self._patterns)
            if len(text) <= 1 << 13:
                with self._lock:
                    self._masked[text] = found
                    while len(self._masked) > REMEMBERED_TEXTS:
                        self._masked.popitem(last=False)
        return found

    def _append_best(self, record: QueryRecord | SessionRecord) -> None:
        """For what failed anyway: who is refused must not be told of the journal's trouble instead."""
        try:
            self._journal.append(record)
        except DatabaseError as error:
            log.error("record_lost", error=str(error))

    def _forget(self, now: float) -> None:
        with self._lock:
            if len(self._signed_in) > REMEMBERED_TEXTS:
                self._signed_in = {key: seen for key, seen in self._signed_in.items() if now - seen < LOGGED_IN_SECONDS}


def _type(
    query: Query | None, error: DatabaseError | None
) -> Literal["QueryFinish", "ExceptionBeforeStart", "ExceptionWhileProcessing"]:
    if error is None:
        return "QueryFinish"
    return "ExceptionWhileProcessing" if query is not None and query.in_engine else "ExceptionBeforeStart"


def _kind(statement: Statement) -> Literal["select", "insert", "other"]:
    if statement.selects:
        return "select"
    return "insert" if statement.verb == "INSERT" else "other"


def consumer_of(trace: Trace, caller: Caller) -> Consumer:
    """Whom quotas count a request for."""
    return Consumer(caller.user.id, caller.user.name, caller.enabled, trace.peer.address, trace.quota_key)


def _now() -> int:
    return int(time.time() * 1e6)


@lru_cache(maxsize=512)
def _masked(text: str) -> str:
    return mask_text(text) if text else ""
