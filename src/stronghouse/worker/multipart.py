"""The parts of a form of `multipart/form-data` (RFC 7578)."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.multipart import MultipartParser, parse_options_header

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.body import PIECE, read_piece
from stronghouse.worker.decoders import decoded
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.memory import Holding

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FORM_BYTES = 64 << 20
"""All that a form may hold: it is in memory while the query runs."""
MAX_PARTS = 1000


@dataclass
class Part:
    """One part: a field, or a file when it has a file's name."""

    name: str
    is_file: bool
    content: io.BytesIO


class _Parts:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
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
        self.parts.append(Part(name, b"filename" in options, io.BytesIO()))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self.ended = True


def read_parts(exchange: Exchange, content_type: str, holding: Holding) -> list[Part]:
    """The parts of the request's body; `holding` counts what they take. Raises DatabaseError when it is no form."""
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


def _bad_form() -> DatabaseError:
    return DatabaseError(36, "BAD_ARGUMENTS", "The form in the request's body cannot be read")
