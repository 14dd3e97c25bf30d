"""What a request asks for besides its statement: the parameters of ClickHouse's HTTP interface, sorted and checked."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.settings import check_setting

MAX_SESSION_SECONDS = 3600
MAX_QUERY_ID = 128
MAX_DIGITS = 18
MAX_KEY = 512
MAX_ROLES = 256
DEFAULT_PROGRESS_MS = 100
"""ClickHouse's default for `http_headers_progress_interval_ms`."""
MIN_PROGRESS_MS = 50
"""Each line of progress goes into a response's head, for which clients have limits."""
MAX_QUERY_SIZE = 256 << 10
"""ClickHouse's default for `max_query_size`, in bytes."""
RESPONSE_ENCODINGS = ("br", "zstd", "lz4", "gzip", "deflate")
"""What a response can be compressed with, the engine's names; the first that a client takes is used."""
_SETTING = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUERY_ID = re.compile(r"[\x20-\x7e]*")
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
"""What stands for bytes that are not UTF-8."""
_READ_METHODS = frozenset({"GET", "HEAD"})
_HEADERS = frozenset(f"x-clickhouse-{name}" for name in ("query-id", "database", "format", "quota"))
_KNOWN = frozenset(
    (
        *("query", "query_id", "database", "default_format", "wait_end_of_query", "enable_http_compression"),
        *("compress", "decompress", "session_id", "session_timeout", "session_check", "close_session"),
        *("quota_key", "buffer_size", "send_progress_in_http_headers", "http_headers_progress_interval_ms"),
    )
)
_IGNORED = frozenset({"user", "password", "client_protocol_version", "stacktrace", "add_http_cors_header"})
"""The first two are read with the credentials. The others change nothing here: results are in the protocol's first
version, which every client reads, and nobody gets stack traces or answers for pages from elsewhere."""


@dataclass(frozen=True)
class SessionRequest:
    """A request's session.

    Attributes:
        timeout: how many seconds it outlives the request.
        must_exist: whether it must be there already.
        closes: whether it ends with the request.
    """

    id: str
    timeout: float
    must_exist: bool
    closes: bool = False


@dataclass(frozen=True)
class Options:
    """A request's options.

    Attributes:
        query_id: as given; empty for none.
        roles: what to act with instead of the default roles; empty for those.
        quota_key: what quotas by client key count under.
        settings: what the URL sets, checked by name and value, not by whether the engine knows them.
        parameters: query parameters in ClickHouse's escaped text form.
        encoding: how the response is compressed by HTTP's rules; None for not at all.
        compress, decompress: whether the response, the body is in ClickHouse's own compressed blocks.
        wait_end_of_query: whether nothing is sent before the result is complete.
        buffer_size: how much of a result is held back at least, in bytes; None for as usual.
        progress_seconds: how often the response's head tells of progress; None for never.
        read_only: whether the method allows no changes.
    """

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
    roles: tuple[str, ...] = ()
    quota_key: str = ""
    compress: bool = False
    decompress: bool = False
    buffer_size: int | None = None
    progress_seconds: float | None = None


def read_options(method: str, headers: Mapping[str, str], pairs: Collection[tuple[str, str]]) -> Options:
    """Sort what the URL and the headers, by names in lower case, ask for; raises DatabaseError."""
    if not pairs and _HEADERS.isdisjoint(headers):
        return _READING if method in _READ_METHODS else _PLAIN
    return _sorted(method, headers, pairs)


def _sorted(method: str, headers: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> Options:
    given: dict[str, str] = {}
    roles: list[str] = []
    settings: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name != "query":
            _check_text(name, value)
        if name.startswith("param_"):
            parameters[_parameter(name.removeprefix("param_"))] = value
        elif name in _KNOWN:
            given[name] = value
        elif name == "role":
            roles += [value] if value else []
        elif name not in _IGNORED:
            settings[name] = value
    _check_text(*(headers[name] for name in _HEADERS if name in headers))
    for name, value in settings.items():
        if not _SETTING.fullmatch(name):
            raise DatabaseError(115, "UNKNOWN_SETTING", "Unknown setting")
        check_setting(name, value)
    return Options(
        query=given.get("query", ""),
        query_id=_query_id(given.get("query_id") or headers.get("x-clickhouse-query-id") or ""),
        database=given.get("database") or headers.get("x-clickhouse-database") or None,
        default_format=_format(given.get("default_format") or headers.get("x-clickhouse-format") or "TabSeparated"),
        session=_session(given),
        settings=settings,
        parameters=parameters,
        encoding=_encoding(headers, given),
        wait_end_of_query=_flag(given, "wait_end_of_query"),
        read_only=method in _READ_METHODS,
        max_query_size=_number(settings.get("max_query_size", "")) or MAX_QUERY_SIZE,
        roles=_roles(roles),
        quota_key=_quota_key(given.get("quota_key") or headers.get("x-clickhouse-quota") or ""),
        compress=_flag(given, "compress"),
        decompress=_flag(given, "decompress"),
        buffer_size=_number(given.get("buffer_size", "")) or None,
        progress_seconds=_progress(given),
    )


def _check_text(*texts: str) -> None:
    """Refuse what is not UTF-8. A statement is looked at when it is read."""
    if any(not text.isascii() and _NO_TEXT.search(text) for text in texts):
        raise DatabaseError(36, "BAD_ARGUMENTS", "A parameter or header of the request is not valid UTF-8")


def _progress(given: Mapping[str, str]) -> float | None:
    if not _flag(given, "send_progress_in_http_headers"):
        return None
    interval = _number(given.get("http_headers_progress_interval_ms", "")) or DEFAULT_PROGRESS_MS
    return max(interval, MIN_PROGRESS_MS) / 1000


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
    return SessionRequest(session_id, timeout, _flag(given, "session_check"), _flag(given, "close_session"))


def _encoding(headers: Mapping[str, str], given: Mapping[str, str]) -> str | None:
    if not _flag(given, "enable_http_compression"):
        return None
    accepted = {part.partition(";")[0].strip().lower() for part in headers.get("accept-encoding", "").split(",")}
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


def _roles(names: list[str]) -> tuple[str, ...]:
    if len(names) > MAX_ROLES:
        raise DatabaseError(36, "BAD_ARGUMENTS", f"A request names {MAX_ROLES} roles at most")
    return tuple(dict.fromkeys(names))


def _quota_key(text: str) -> str:
    if len(text) > MAX_KEY:
        raise DatabaseError(36, "BAD_ARGUMENTS", f"A quota key has at most {MAX_KEY} characters")
    return text


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0


def _flag(given: Mapping[str, str], name: str) -> bool:
    return given.get(name, "0") not in {"", "0", "false"}


_PLAIN, _READING = _sorted("POST", {}, ()), _sorted("GET", {}, ())
"""The options of most requests: those that say nothing."""
