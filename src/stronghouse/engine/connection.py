"""Connections to the engine, typed, with errors as DatabaseError."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeVar

from stronghouse.engine.binding import RawConnection, RawResult
from stronghouse.engine.errors import DatabaseError, not_utf8, parse_error

_T = TypeVar("_T")
_NONE: Mapping[str, str] = {}
_FAILURES = (RuntimeError, TypeError, UnicodeDecodeError)
"""What the binding raises for the engine's errors, for text that is no Unicode, and for errors that are no UTF-8."""


class Counters(NamedTuple):
    """What a statement did: rows and bytes read from tables and written to them, and rows of its result."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0


class Result(NamedTuple):
    """A finished statement's output."""

    data: bytes
    counters: Counters


@dataclass(frozen=True)
class Classification:
    """What a statement would do, by the engine's own parser: see `chdb.query_class`."""

    query_class: str
    statements: int


class Connection:
    """One connection: its own current database, settings and temporary tables. One statement at a time, any thread."""

    def __init__(self, raw: RawConnection, on_close: Callable[["Connection"], None] | None = None) -> None:
        self._raw = raw
        self._on_close = on_close
        self.closed = False

    def query(
        self, sql: str, *, output_format: str = "TabSeparated", parameters: Mapping[str, str] | None = None
    ) -> Result:
        """Run one statement to its end; raises DatabaseError."""
        given = dict(parameters) if parameters else {}
        try:
            result = self._raw.query(sql, output_format, params=given)
        except _FAILURES as error:
            # The cause would put the statement's text into a traceback.
            raise _failure(error, sql, output_format, *given, *given.values()) from None
        _check(result)
        return Result(result.bytes(), _counters(result))

    def take(self, sql: str, *, output_format: str) -> Result:
        """As `query`, for a statement that writes nothing and has no parameters."""
        try:
            result = self._raw.query(sql, output_format, params=_NONE)
        except _FAILURES as error:
            raise _failure(error, sql, output_format) from None  # as above
        _check(result)
        counters = Counters(result.storage_rows_read(), result.storage_bytes_read(), 0, 0, result.rows_read())
        return Result(result.bytes(), counters)

    def value(self, sql: str, *, parameters: Mapping[str, str] | None = None) -> str:
        """The output of a statement as text, without escapes and without the last newline.

        Raises:
            DatabaseError: the statement's error, or 62 when the output is not valid UTF-8.
        """
        data = self.query(sql, output_format="TSVRaw", parameters=parameters).data
        try:
            return data.decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise not_utf8() from None

    def classify(self, sql: str) -> Classification:
        """What `sql` would do, without running it; raises DatabaseError."""
        answer = _call(lambda: self._raw.classify_query(sql), sql)
        return Classification(getattr(answer["query_class"], "name", "UNKNOWN"), int(str(answer["statement_count"])))

    def watch(self, callback: Callable[[Mapping[str, int]], None] | None) -> None:
        """Have a statement's progress told (`read_rows`, `read_bytes`, `total_rows_to_read`, `elapsed_ns`, …)."""
        self._raw.set_progress_callback(callback)

    def close(self) -> None:
        """Close it; waits for a running statement. It may be closed already."""
        if self.closed:
            return
        self.closed = True
        if self._on_close is not None:
            self._on_close(self)
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _call(function: Callable[[], _T], *texts: str) -> _T:
    """What `function` returns, which hands `texts` to the engine; raises DatabaseError."""
    try:
        return function()
    except _FAILURES as error:
        # The cause would put the statement's text into a traceback.
        raise _failure(error, *texts) from None


def _check(result: RawResult) -> None:
    """Raises DatabaseError if it failed."""
    if result.has_error():
        raise parse_error(_call(result.error_message))


def _failure(error: Exception, *texts: str) -> DatabaseError:
    """What an exception of the binding means, when these texts were handed over; raises it if that is not known."""
    if isinstance(error, UnicodeDecodeError):  # the text of an error can quote any bytes
        return parse_error(error.object.decode("utf-8", "replace"))
    if not all(map(_is_unicode, texts)):
        return not_utf8()
    if isinstance(error, TypeError):
        raise error
    return parse_error(str(error))


def _is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8; bytes of a request that were no UTF-8 are in it as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _counters(result: RawResult) -> Counters:
    return Counters(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
    )
