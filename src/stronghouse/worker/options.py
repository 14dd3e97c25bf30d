"""What a request asks for besides its statement: the parameters of ClickHouse's HTTP interface, sorted and checked."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stronghouse.engine.errors import DatabaseError, not_implemented
from stronghouse.engine.settings import check_setting

MAX_SESSION_SECONDS = 3600
MAX_QUERY_ID = 128
MAX_DIGITS = 18
MAX_QUERY_SIZE = 256 << 10
"""ClickHouse's default for `max_query_size`, in bytes."""
RESPONSE_ENCODINGS = ("br", "zstd", "lz4", "gzip", "deflate")
"""What a response can be compressed with, the engine's names; the first that a client takes is used."""
_SETTING = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUERY_ID = re.compile(r"[\x20-\x7e]*")
_KNOWN = frozenset(
    (
        *("query", "query_id", "database", "default_format", "wait_end_of_query", "enable_http_compression"),
        *("compress", "decompress", "role", "session_id", "session_timeout", "session_check"),
    )
)
_IGNORED = frozenset(
    (
        *("user", "password", "quota_key", "client_protocol_version", "send_progress_in_http_headers"),
        *("http_headers_progress_interval_ms", "buffer_size", "stacktrace", "close_session", "add_http_cors_header"),
    )
)


@dataclass(frozen=True)
class SessionRequest:
    """A request's session: its id, how many seconds it outlives the request, whether it must exist already."""

    id: str
    timeout: float
    must_exist: bool


@dataclass(frozen=True)
class Options:
    """A request's options. `parameters` are query parameters in ClickHouse's escaped text form."""

    query: str
    query_id: str
    database: str | None
    default_format: str
    session: SessionRequest | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    encoding: str | None
    wait_end_of_query: bool
    read_only: bool
    max_query_size: int


def read_options(
    method: str, headers: Mapping[str, str], pairs: Iterable[tuple[str, str]], *, fallback_id: str
) -> Options:
    """Sort what the URL and the headers ask for; raises DatabaseError."""
    given: dict[str, str] = {}
    settings: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("param_"):
            parameters[_parameter(name.removeprefix("param_"))] = value
        elif name in _KNOWN:
            given[name] = value
        elif name not in _IGNORED:
            settings[name] = value
    _refuse_what_is_missing(given)
    for name, value in settings.items():
        if not _SETTING.fullmatch(name):
            raise DatabaseError(115, "UNKNOWN_SETTING", "Unknown setting")
        check_setting(name, value)
    return Options(
        query=given.get("query", ""),
        query_id=_query_id(given.get("query_id") or headers.get("X-ClickHouse-Query-Id") or fallback_id),
        database=given.get("database") or headers.get("X-ClickHouse-Database") or None,
        default_format=_format(given.get("default_format") or headers.get("X-ClickHouse-Format") or "TabSeparated"),
        session=_session(given),
        settings=settings,
        parameters=parameters,
        encoding=_encoding(headers, given),
        wait_end_of_query=_flag(given, "wait_end_of_query"),
        read_only=method in {"GET", "HEAD"},
        max_query_size=_size(settings.get("max_query_size", "")),
    )


def _refuse_what_is_missing(given: Mapping[str, str]) -> None:
    if _flag(given, "compress") or _flag(given, "decompress"):
        raise not_implemented(
            "ClickHouse's native compression (compress=1, decompress=1) is not supported: "
            "use HTTP compression with Content-Encoding, Accept-Encoding and enable_http_compression=1."
        )
    if given.get("role"):
        raise DatabaseError(
            512, "SET_NON_GRANTED_ROLE", "Role should be granted to set as a current: there are no roles"
        )


def _format(name: str) -> str:
    if not _SETTING.fullmatch(name):
        raise DatabaseError(73, "UNKNOWN_FORMAT", "Unknown format")
    return name


def _session(given: Mapping[str, str]) -> SessionRequest | None:
    session_id = given.get("session_id")
    if not session_id:
        return None
    try:
        timeout = float(given.get("session_timeout", "60"))
    except ValueError:
        timeout = -1.0
    if not 0 <= timeout <= MAX_SESSION_SECONDS:
        raise DatabaseError(
            374, "INVALID_SESSION_TIMEOUT", f"Session timeout is not a number from 0 to {MAX_SESSION_SECONDS}"
        )
    return SessionRequest(session_id, timeout, _flag(given, "session_check"))


def _encoding(headers: Mapping[str, str], given: Mapping[str, str]) -> str | None:
    if not _flag(given, "enable_http_compression"):
        return None
    accepted = {part.partition(";")[0].strip().lower() for part in headers.get("Accept-Encoding", "").split(",")}
    return next((encoding for encoding in RESPONSE_ENCODINGS if encoding in accepted), None)


def _query_id(text: str) -> str:
    if len(text) > MAX_QUERY_ID or not _QUERY_ID.fullmatch(text):
        raise DatabaseError(36, "BAD_ARGUMENTS", f"A query id has at most {MAX_QUERY_ID} printable ASCII characters")
    return text


def _parameter(name: str) -> str:
    """A parameter's name, which is put into a SET for an insert and so must be nothing but a name."""
    if not _PARAMETER.fullmatch(name):
        raise DatabaseError(36, "BAD_ARGUMENTS", "Invalid name of a query parameter")
    return name


def _size(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0
    return number or MAX_QUERY_SIZE


def _flag(given: Mapping[str, str], name: str) -> bool:
    return given.get(name, "0") not in {"", "0", "false"}
