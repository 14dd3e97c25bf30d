"""One record of the query log and one of the session log, and their form in the journal.

Fields are named as the columns of ClickHouse's `system.query_log` and `system.session_log`; times are microseconds
since 1970, UTC. What the engine alone knows (tables, columns, functions, privileges, memory) is not in a record: it
is joined by `token` when records are moved into the tables.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Final, Literal

MAX_QUERY: Final = 100_000
"""Characters of a statement that are kept: `log_queries_cut_to_length` of ClickHouse counts 100,000 bytes."""
MAX_EXCEPTION: Final = 10_000
"""Characters of an error's text that are kept."""
MAX_OTHER: Final = 1_000
"""Characters of any other text that are kept when a record is too long."""
MAX_RECORD: Final = 1 << 20
"""Bytes of a record; one that is longer loses its settings and the ends of its texts."""

QueryRecordType = Literal["QueryFinish", "ExceptionBeforeStart", "ExceptionWhileProcessing"]
SessionRecordType = Literal["LoginSuccess", "LoginFailure", "Logout"]
HttpMethod = Literal["UNKNOWN", "GET", "POST", "OPTIONS", "PUT", "DELETE", "HEAD"]
AuthType = Literal["SHA256_PASSWORD", "DOUBLE_SHA1_PASSWORD", "BCRYPT_PASSWORD", "SSL_CERTIFICATE", "JWT"]


@dataclass(slots=True, kw_only=True)  # not frozen, though nothing changes it: one is made for every request
class QueryRecord:
    """A statement that ended.

    Attributes:
        query, exception: masked. The rest are ClickHouse's columns of the same names.
        query_kind: empty where the engine ran the statement: it says which kind it was.
        roles: names of the roles in force.
        settings: those that the client gave; the column is `Settings`.
        is_secure: whether the client came over TLS.
        token: the word that marks the statement in the engine's own log; empty if the engine never saw it.
    """

    type: QueryRecordType
    event_time_microseconds: int
    query_start_time_microseconds: int
    query_duration_ms: int = 0
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    current_database: str = ""
    query: str = ""
    query_kind: str = ""
    exception_code: int = 0
    exception: str = ""
    user: str = ""
    query_id: str = ""
    address: str = ""
    port: int = 0
    is_secure: bool = False
    http_method: HttpMethod = "UNKNOWN"
    http_user_agent: str = ""
    http_referer: str = ""
    forwarded_for: str = ""
    quota_key: str = ""
    roles: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """Somebody signed in or out, or tried to.

    Attributes:
        auth_id: a UUID; the Logout has the one of its LoginSuccess.
        user: the name as given; it need not exist.
        auth_type: None where it never came to a method.
        failure_reason: of a LoginFailure, for whoever reads the log; the client is told less.
        tls_version, tls_cipher: as negotiated with the client; empty without TLS. ClickHouse has no such columns.
        The rest are ClickHouse's columns of the same names.
    """

    type: SessionRecordType
    event_time_microseconds: int
    auth_id: str
    session_id: str = ""
    user: str = ""
    auth_type: AuthType | None = None
    profiles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    client_address: str = ""
    client_port: int = 0
    client_name: str = ""
    failure_reason: str = ""
    tls_version: str = ""
    tls_cipher: str = ""


Record = QueryRecord | SessionRecord
QUERY_FIELDS: Final = tuple(each.name for each in fields(QueryRecord))
SESSION_FIELDS: Final = tuple(each.name for each in fields(SessionRecord))
QUERY_MARK: Final = b"q"
SESSION_MARK: Final = b"s"

_values_of_query = attrgetter(*QUERY_FIELDS)
_values_of_session = attrgetter(*SESSION_FIELDS)
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def encode(record: Record) -> bytes:
    """One byte for the kind, then the fields' values in order as a JSON array: `JSONCompactEachRow` for the engine.

    What is no UTF-8 becomes a question mark, and what is too long is cut: no record fails. Measured: 4 µs for a record
    of 430 bytes.
    """
    if isinstance(record, QueryRecord):
        if len(record.query) > MAX_QUERY or len(record.exception) > MAX_EXCEPTION:
            record = replace(record, query=record.query[:MAX_QUERY], exception=record.exception[:MAX_EXCEPTION])
        mark, values = QUERY_MARK, _values_of_query(record)
    else:
        mark, values = SESSION_MARK, _values_of_session(record)
    encoded = mark + _json(values).encode("utf-8", "replace")
    if len(encoded) > MAX_RECORD:
        encoded = mark + _json([_cut(value) for value in values]).encode("utf-8", "replace")
    return encoded


class Template:
    """Makes records of a statement that is repeated: they differ in times, counts, ids and the client's port only."""

    def __init__(self, record: QueryRecord) -> None:
        values = zip(QUERY_FIELDS, _values_of_query(record), strict=True)
        parts = (_VARYING.get(name) or _json(value).replace("%", "%%") for name, value in values)
        self._form = f"[{','.join(parts)}]"

    def encoded(  # noqa: PLR0913 - one for each field that varies
        self,
        *,
        started: int,
        ended: int,
        read_rows: int,
        read_bytes: int,
        result_rows: int,
        result_bytes: int,
        query_id: str,
        port: int,
        token: str,
    ) -> bytes:
        """The encoded form of one. Times are in microseconds; `query_id` and `token` need no escapes in JSON."""
        text = self._form % (
            *(ended, started, (ended - started) // 1000, read_rows, read_bytes, result_rows, result_bytes),
            *(query_id, port, token),
        )
        return QUERY_MARK + text.encode("utf-8", "replace")


_VARYING: Final = {
    "event_time_microseconds": "%d",
    "query_start_time_microseconds": "%d",
    "query_duration_ms": "%d",
    "read_rows": "%d",
    "read_bytes": "%d",
    "result_rows": "%d",
    "result_bytes": "%d",
    "query_id": '"%s"',
    "port": "%d",
    "token": '"%s"',
}
"""How each field that differs is written. They are filled in the order of `QUERY_FIELDS`."""


def _cut(value: object) -> object:
    if isinstance(value, str):
        return value[:MAX_OTHER]
    if isinstance(value, tuple):
        return [str(each)[: MAX_OTHER // 10] for each in value[: MAX_OTHER // 10]]
    return {} if isinstance(value, Mapping) else value
