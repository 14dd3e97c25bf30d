"""Answers of our own to statements: columns and rows, which the engine puts into whatever format was asked for."""

from collections.abc import Iterable
from dataclasses import dataclass

from stronghouse.engine.access.notation import quoted_name, string

Value = str | int | float | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer: columns with their types, and rows."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


def one_column(title: str, values: Iterable[str]) -> Shown:
    """An answer of texts."""
    return Shown(((title, "String"),), tuple((value,) for value in values))


def as_select(shown: Shown) -> str:
    """A SELECT that gives these columns and rows, without reading any table, for the engine to put into any format."""
    types = ", ".join(kind for _, kind in shown.columns)
    rows = ", ".join(f"tuple({', '.join(_literal(value) for value in row)})" for row in shown.rows)
    columns = ", ".join(f"r.{place} AS {quoted_name(name)}" for place, (name, _) in enumerate(shown.columns, 1))
    source = f"arrayJoin(CAST([{rows}] AS Array(Tuple({types})))) AS r"
    return f"SELECT {columns} FROM (SELECT {source})"  # noqa: S608 - names and values are quoted


def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    return string(value) if isinstance(value, str) else repr(value)
