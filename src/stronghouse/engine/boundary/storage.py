"""Engines of tables and databases, codecs of columns, formats of results and data: each by its table."""

from collections.abc import Iterator, Sequence

from stronghouse.engine.boundary.classification import Table, Verdict, by_lower_case, classified
from stronghouse.engine.errors import DatabaseError, access_denied
from stronghouse.engine.tokens import Kind, Token

_READS = ("SELECT", "WITH", "(", "SHOW", "DESCRIBE", "EXPLAIN", "EXISTS", "CHECK", "INSERT")


def check_engines(tokens: Sequence[Token]) -> None:
    """Tables and databases are of engines that keep their rows encrypted or in memory. Raises 497."""
    if tokens[0].says(*_READS):
        return
    kind, table = ("Database", Table.DATABASE_ENGINES) if _of_database(tokens) else ("Table", Table.TABLE_ENGINES)
    for name in _after(tokens, "ENGINE"):
        entry = classified(table).get(name.text) if name.is_name else None
        if entry is None or entry.verdict is not Verdict.ALLOW:
            reason = f": {entry.because}" if entry else ""
            allowed = ", ".join(name for name, known in classified(table).items() if known.verdict is Verdict.ALLOW)
            raise access_denied(
                f"{kind} engine {name.text} is not allowed in this service{reason}. Use one of {allowed}."
            )


def check_codecs(tokens: Sequence[Token]) -> None:
    """Columns are compressed by codecs that need no keys. Raises 497 or 432."""
    depth = inside = 0
    for place, token in enumerate(tokens):
        if token.says("("):
            depth += 1
            if token.start == tokens[place - 1].end and tokens[place - 1].says("CODEC") and place:
                inside = depth
        elif token.says(")"):
            inside = 0 if inside == depth else inside
            depth -= 1
        elif inside and depth == inside and token.is_name:
            _check_codec(token.text)


def check_format(name: str) -> None:
    """Refuse a format that reaches out, or that is none.

    Raises:
        DatabaseError: 497, or 73 for one that is not known.
    """
    entry = by_lower_case(Table.FORMATS).get(name.lower())
    if entry is None:
        raise DatabaseError(73, "UNKNOWN_FORMAT", f"Unknown format {name}")
    if entry.verdict is not Verdict.ALLOW:
        raise access_denied(f"Format {name} is not allowed in this service: {entry.because}.")


def _check_codec(name: str) -> None:
    entry = by_lower_case(Table.CODECS).get(name.lower())
    if entry is not None and entry.verdict is not Verdict.ALLOW:
        raise access_denied(f"Codec {name} is not allowed in this service: {entry.because}.")
    if entry is None and name.upper() != "DEFAULT":
        raise DatabaseError(432, "UNKNOWN_CODEC", f"Unknown codec {name}")


def _of_database(tokens: Sequence[Token]) -> bool:
    return tokens[0].says("CREATE") and tokens[1].says("DATABASE")


def _after(tokens: Sequence[Token], keyword: str) -> Iterator[Token]:
    """What follows `keyword =`. Upper case only: keywords are, and a column may be called `engine`."""
    for place, token in enumerate(tokens[:-2]):
        if token.kind is Kind.WORD and token.text == keyword and tokens[place + 1].says("="):
            yield tokens[place + 2]
