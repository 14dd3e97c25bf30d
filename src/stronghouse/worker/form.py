"""Forms: parameters that came in the body, and tables that came with the query (ClickHouse's external data)."""

from dataclasses import dataclass

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.memory import Holding
from stronghouse.worker.preparation import ExternalTable

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


def read_form(exchange: Exchange, holding: Holding) -> Form:
    """The pairs of the URL, with the form in the request's body if it has one; `holding` counts what that takes.

    Raises DatabaseError when there is no reading it, ConnectionError when the client is gone.
    """
    content_type = exchange.headers.get("content-type", "")
    if not content_type[:20].lower().startswith("multipart/form-data"):
        return Form(tuple(exchange.query))
    exchange.body.end_within(FORM_SECONDS)
    from stronghouse.worker.multipart import read_parts  # noqa: PLC0415 - 2.5 MB that most workers never need

    parts = read_parts(exchange, content_type, holding)
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


def _table(name: str, content: bytes, given: dict[str, str]) -> ExternalTable:
    structure = given.get(f"{name}_structure")
    types = given.get(f"{name}_types")
    if structure is None and types is not None:
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types.split(","), 1))
    if structure is None:
        raise DatabaseError(36, "BAD_ARGUMENTS", "Neither structure nor types have been provided for external table")
    return ExternalTable(name, structure, given.get(f"{name}_format", "TabSeparated"), content)
