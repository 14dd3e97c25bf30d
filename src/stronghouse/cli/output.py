"""What commands print: a table for people, JSON for scripts, remarks on standard error so that neither is disturbed."""

import json
from collections.abc import Iterable, Sequence

import typer


def show_json(value: object) -> None:
    """A value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Rows under headings; the sentence `empty` when there are none, on standard error."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not markup: names come from other people and may hold brackets or escape sequences.
        table.add_row(*(Text(printable(cell)) for cell in row))
    if not table.row_count:
        remark(empty)
        return
    console = Console(highlight=False)
    console.print(table) if console.is_terminal else Console(highlight=False, width=400).print(table)


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values, one pair a line."""
    pairs = [(name, printable(value)) for name, value in fields]
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        typer.echo(f"{name:<{width}}  {value}")


def remark(text: str) -> None:
    """A sentence beside the output."""
    typer.echo(text, err=True)


def printable(value: object) -> str:
    """One line of text that cannot steer a terminal."""
    if value is None:
        return "-"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value))
