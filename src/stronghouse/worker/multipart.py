"""Forms: parameters that came in the body, and tables that came with the query (ClickHouse's external data)."""

from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.preparation import ExternalTable

MAX_FORM_BYTES = 64 << 20
"""All that a form may hold: it is in memory while the query runs."""


@dataclass(frozen=True)
class Form:
    """What a request asks for in pairs, its URL's and its form's, and the tables of the form.

    Attributes:
        consumed: whether the request's body was a form and has been read.
    """

    pairs: tuple[tuple[str, str], ...]
    tables: tuple[ExternalTable, ...] = ()
    consumed: bool = False


async def read_form(request: web.Request) -> Form:
    """The pairs of the URL, with the form in the request's body if it has one; raises DatabaseError."""
    if request.content_type != "multipart/form-data":
        return Form(tuple(request.query.items()))
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, bytes]] = []
    left = MAX_FORM_BYTES
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or not part.name:
                raise _bad_form()
            content = bytearray()
            while piece := await part.read_chunk():
                content += piece
                left -= len(piece)
                if left < 0:
                    raise DatabaseError(307, "TOO_MANY_BYTES", f"A form may hold {MAX_FORM_BYTES} bytes")
            if part.filename is None and f"{part.name}_structure" not in request.query:
                fields.append((part.name, content.decode("utf-8", "surrogateescape")))
            else:
                files.append((part.name, bytes(content)))
    except ValueError:
        raise _bad_form() from None
    given = {**request.query, **dict(fields)}
    tables = tuple(_table(name, content, given) for name, content in files)
    described = {f"{table.name}_{suffix}" for table in tables for suffix in ("structure", "types", "format")}
    pairs = (*request.query.items(), *fields)
    return Form(tuple(pair for pair in pairs if pair[0] not in described), tables, consumed=True)


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
