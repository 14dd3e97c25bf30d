"""Receiving a file: a multipart form read piece by piece, so that a file is never held whole, nor laid down unsealed.

The form's fields come first, then the part `file`: by the time the file arrives it is known what it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from stronghouse.kernel.errors import Invalid

FORM = "multipart/form-data"
FILE = "file"
MAX_FIELDS, MAX_FIELD_BYTES = 10, 32 * 1024


class Sink(Protocol):
    """Takes the file."""

    def write(self, content: bytes) -> None:
        """Take more of it; what it raises ends the upload."""
        ...


@dataclass(frozen=True)
class Attached:
    """What the client says of the file: its name without folders, and its media type in lower case."""

    name: str
    media_type: str


Begin = Callable[[Mapping[str, str], Attached], Sink]


async def receive_form(request: Request, begin: Begin) -> dict[str, str]:
    """Read a form; `begin` is called (in a thread) when its file arrives, if there is one. Returns the fields.

    Raises:
        Invalid: the body is no such form, or ended early.
    """
    try:
        form = _Form(_boundary(request))
    except FormParserError:  # a boundary longer than the standard allows
        raise Invalid("The form's boundary is malformed.", code="form_malformed") from None
    sink: Sink | None = None
    try:
        async for chunk in request.stream():
            form.take(chunk)
            if form.attached is not None and sink is None:
                sink = await run_in_threadpool(begin, form.fields, form.attached)
            content = form.content()
            if sink is not None and content:
                await run_in_threadpool(sink.write, content)
    except ClientDisconnect:
        raise Invalid("The upload ended early.", code="upload_incomplete") from None
    if not form.whole:
        raise Invalid("The form is not whole.", code="upload_incomplete")
    return form.fields


class _Form:
    """The parser's callbacks: fields are kept, the file's content is handed on."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.attached: Attached | None = None
        self.whole = False
        self._name = ""
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._type = b""
        self._field = bytearray()
        self._content = bytearray()
        self._in_file = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._part_data,
                "on_part_end": self._part_ends,
                "on_end": self._end,
            },
        )

    def take(self, chunk: bytes) -> None:
        """Parse more; raises Invalid."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise Invalid("The body is not a well-formed form.", code="form_malformed") from None

    def content(self) -> bytes:
        """What came of the file since the last call."""
        content = bytes(self._content)
        self._content.clear()
        return content

    def _part_begins(self) -> None:
        if self.attached is not None:
            raise Invalid("The file is the last part of the form, and there is one.", code="form_malformed")
        self._disposition = self._type = self._header = self._value = b""
        self._field.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        name = self._header.lower()
        if name == b"content-disposition":
            self._disposition = self._value
        elif name == b"content-type":
            self._type = self._value
        self._header = self._value = b""

    def _headers_end(self) -> None:
        options = parse_options_header(self._disposition)[1]
        self._name = options.get(b"name", b"").decode(errors="replace")
        self._in_file = self._name == FILE and b"filename" in options
        if self._in_file:
            # Clients write a quotation mark in a form's file name as %22 (HTML standard, multipart/form-data).
            told = options[b"filename"].decode(errors="replace").replace("%22", '"')
            name = told.replace("\\", "/").rpartition("/")[2]
            self.attached = Attached(name, parse_options_header(self._type)[0].decode(errors="replace").lower())

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._content += data[start:end]
            return
        self._field += data[start:end]
        if len(self._field) > MAX_FIELD_BYTES:
            raise Invalid(f"A field of the form has at most {MAX_FIELD_BYTES} bytes.", code="form_malformed")

    def _part_ends(self) -> None:
        if self._in_file:
            return
        if not self._name or self._name in self.fields or len(self.fields) >= MAX_FIELDS:
            raise Invalid("The form has a field without a name, twice, or too many.", code="form_malformed")
        try:
            self.fields[self._name] = self._field.decode()
        except UnicodeDecodeError:
            raise Invalid("The form's fields are UTF-8 text.", code="form_malformed") from None

    def _end(self) -> None:
        self.whole = True


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind.decode(errors="replace").lower() != FORM or not boundary:
        raise Invalid(f"Send a form ({FORM}): its fields first, then the part {FILE!r}.", code="form_malformed")
    return boundary
