"""The responses of ClickHouse's HTTP interface: their headers, errors before a result, and errors in the middle of one.

Invariants:
- An error before the first byte has its own status; one in the middle breaks the connection off.
- Nothing that a client sent goes into a header but its query id and format, which were checked.
"""

import secrets
import string
from dataclasses import dataclass
from http import HTTPStatus

from stronghouse.engine.connection import Counters
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.statuses import content_type_of, status_of

TEXT = "text/plain; charset=UTF-8"
_TAG_LETTERS = string.ascii_lowercase
Header = tuple[str, str]


@dataclass(frozen=True)
class Identity:
    """What every response says of the server."""

    version: str
    timezone: str
    display_name: str

    def headers(self, query_id: str) -> list[Header]:
        """The headers of every answer to a query."""
        headers = [
            ("X-ClickHouse-Server-Display-Name", self.display_name),
            ("X-ClickHouse-Timezone", self.timezone),
            ("Cache-Control", "no-store"),
        ]
        if query_id:
            headers.append(("X-ClickHouse-Query-Id", query_id))
        return headers


def send_text(exchange: Exchange, text: str, *, status: int = 200, headers: tuple[Header, ...] = ()) -> None:
    """A short answer in plain text that is no query's. Raises ConnectionError."""
    exchange.respond(status, [("Content-Type", TEXT), *headers], text.encode())


def send_error(
    exchange: Exchange, error: DatabaseError, identity: Identity, *, query_id: str = "", challenge: bool = False
) -> None:
    """An error before any result. Raises ConnectionError.

    `challenge`: no credentials were given, so ask for some (RFC 9110 section 11.6.1).
    """
    status = HTTPStatus.UNAUTHORIZED if challenge else status_of(error.number)
    headers = [
        *identity.headers(query_id),
        ("X-ClickHouse-Exception-Code", str(error.number)),
        ("Content-Type", TEXT),
    ]
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", 'Basic realm="ClickHouse server HTTP API"'))
    exchange.respond(int(status), headers, error.wire(identity.version).encode("utf-8", "replace"))


def result_headers(
    identity: Identity,
    *,
    query_id: str,
    output_format: str,
    counters: Counters,
    elapsed: float,
    encoding: str | None = None,
    tag: str | None = None,
) -> list[Header]:
    """The headers of a result; `elapsed` is in seconds so far, the rest as in `format_headers`."""
    constant = format_headers(identity, output_format, encoding=encoding, tag=tag)
    return [*constant, *outcome_headers(query_id, counters, elapsed)]


def format_headers(
    identity: Identity, output_format: str, *, encoding: str | None = None, tag: str | None = None
) -> list[Header]:
    """Those that are the same for all results of one format.

    `output_format` is empty when there are no rows to have one, `encoding` is for Content-Encoding; `tag` marks an
    error in the middle, and is None when the body cannot hold one.
    """
    headers = identity.headers("")
    if output_format:
        headers.append(("X-ClickHouse-Format", output_format))
    headers.append(("Content-Type", content_type_of(output_format or "TabSeparated")))
    if encoding is not None:
        headers.append(("Content-Encoding", encoding))
    if tag is not None:
        headers.append(("X-ClickHouse-Exception-Tag", tag))
    return headers


def outcome_headers(query_id: str, counters: Counters, elapsed: float) -> tuple[Header, Header]:
    """Those that tell of one query."""
    return ("X-ClickHouse-Query-Id", query_id), ("X-ClickHouse-Summary", summary(counters, elapsed))


def progress_header(counters: Counters, elapsed: float, *, total_rows: int, memory: int = 0) -> Header:
    """The line that tells of a running query's progress."""
    numbers = {**_numbers(counters, elapsed, total_rows=total_rows), "memory_usage": memory}
    return "X-ClickHouse-Progress", _text(numbers)


def summary(counters: Counters, elapsed: float) -> str:
    """What a query has done, as ClickHouse tells it: an object of numbers in strings."""
    return _text(_numbers(counters, elapsed, total_rows=counters.read_rows))


def exception_tag() -> str:
    """A random word, so that rows cannot look like an error in the middle of a result."""
    return "".join(secrets.choice(_TAG_LETTERS) for _ in range(16))


def break_off(exchange: Exchange, error: DatabaseError, identity: Identity, tag: str | None) -> None:
    """End a result in the middle so that nobody takes it for whole: the error where clients look, and no last chunk.

    `tag` as in `result_headers`. The length that is given counts the message's last newline. Raises ConnectionError.
    """
    try:
        if tag is not None:
            message = error.wire(identity.version).rstrip("\n").encode("utf-8", "replace")
            mark = tag.encode()
            exchange.write(
                b"\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n" % (mark, message, len(message) + 1, mark)
            )
    finally:
        exchange.abort()


def _numbers(counters: Counters, elapsed: float, *, total_rows: int) -> dict[str, int]:
    return {
        "read_rows": counters.read_rows,
        "read_bytes": counters.read_bytes,
        "written_rows": counters.written_rows,
        "written_bytes": counters.written_bytes,
        "total_rows_to_read": total_rows,
        "result_rows": counters.written_rows or counters.result_rows,
        "result_bytes": counters.written_bytes,
        "elapsed_ns": int(elapsed * 1e9),
    }


def _text(numbers: dict[str, int]) -> str:
    """As JSON, made by hand: every answer has one, and the library takes ten times as long."""
    return "{" + ",".join(f'"{name}":"{number}"' for name, number in numbers.items()) + "}"
