"""Forms: parameters that came in the body, and tables that came with the query (ClickHouse's external data)."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.multipart import MultipartParser, parse_options_header

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.body import PIECE, read_piece
from stronghouse.worker.decoders import decoded
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.memory import Holding
from stronghouse.worker.preparation import ExternalTable

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FORM_BYTES = 64 << 20
"""All that a form may hold: it is in memory while the query runs."""
MAX_PARTS = 1000
FORM_SECONDS = 300.0
"""How long a form may take to come."""


@dataclass(frozen=True)
class Form:
    """What a request asks for in pairs, its URL's and its form's, and the tables of the form.

    Attributes:
        consumed: whether the request's body was a form and has been read.
    """

    pairs: tuple[tuple[str, str], ...]
    tables: tuple[ExternalTable, ...] = ()
    consumed: bool = False


@dataclass
class _Part:
    """One part: a field, or a file when it has a file's name."""

    name: str
    is_file: bool
    content: io.BytesIO


class _Parts:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.ended = False
        self._field = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_field,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise _bad_form()
        self._headers = {}

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", "surrogateescape")
        if kind != b"form-data" or not name:
            raise _bad_form()
        self.parts.append(_Part(name, b"filename" in options, io.BytesIO()))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self.ended = True


def read_form(exchange: Exchange, holding: Holding) -> Form:
    """The pairs of the URL, with the form in the request's body if it has one; `holding` counts what that takes.

    Raises DatabaseError when there is no reading it, ConnectionError when the client is gone.
    """
    content_type = exchange.headers.get("content-type", "")
    if not content_type[:20].lower().startswith("multipart/form-data"):
        return Form(tuple(exchange.query))
    exchange.body.end_within(FORM_SECONDS)
    parts = _read_parts(exchange, content_type, holding)
    url = dict(exchange.query)
    fields = [part for part in parts if not part.is_file and f"{part.name}_structure" not in url]
    files = [part for part in parts if part.is_file or f"{part.name}_structure" in url]
    pairs = (*exchange.query, *((part.name, _text(part.content.getvalue(), holding)) for part in fields))
    given = dict(pairs)
    tables = tuple(_table(part.name, part.content.getvalue(), given) for part in files)
    described = {f"{table.name}_{suffix}" for table in tables for suffix in ("structure", "types", "format")}
    return Form(tuple(pair for pair in pairs if pair[0] not in described), tables, consumed=True)


def _text(content: bytes, holding: Holding) -> str:
    """A field's value. One character beyond ASCII can make all of them take four bytes each."""
    holding.take(len(content) * (1 if content.isascii() else 4))
    return content.decode("utf-8", "surrogateescape")


def _read_parts(exchange: Exchange, content_type: str, holding: Holding) -> list[_Part]:
    source = decoded(exchange.headers.get("content-encoding", ""), exchange.body, holding)
    collected = _Parts()
    left = MAX_FORM_BYTES
    try:
        parser = MultipartParser(_boundary(content_type), collected.callbacks())
        while piece := read_piece(source, PIECE):
            left -= len(piece)
            if left < 0:
                raise DatabaseError(307, "TOO_MANY_BYTES", f"A form may hold {MAX_FORM_BYTES} bytes")
            holding.take(len(piece))
            parser.write(piece)
        parser.finalize()
    except ValueError:  # the parser's own errors, and text that it cannot decode
        raise _bad_form() from None
    if not collected.ended:
        raise _bad_form()
    return collected.parts


def _boundary(content_type: str) -> bytes:
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise _bad_form()
    return boundary


def _table(name: str, content: bytes, given: dict[str, str]) -> ExternalTable:
    structure = given.get(f"{name}_structure")
    types = given.get(f"{name}_types")
    if structure is None and types is not None:
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types.split(","), 1))
    if structure is None:
        raise DatabaseError(36, "BAD_ARGUMENTS", "Neither structure nor types have been provided for external table")
    return ExternalTable(name, structure, given.get(f"{name}_format", "TabSeparated"), content)


def _bad_form() -> DatabaseError:
    return DatabaseError(36, "BAD_ARGUMENTS", "The form in the request's body cannot be read")
