"""What commands print: a table for people, JSON for scripts, remarks on standard error so that neither is disturbed."""

import json
import re
from collections.abc import Container, Iterable, Sequence

import typer

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")


def show_json(value: object) -> None:
    """A value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, whole: Container[str] = ()
) -> None:
    """Rows under headings, of which those in `whole` are not broken; `empty` on standard error when there are none."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        # Text, not markup: names come from other people and may hold brackets or escape sequences.
        table.add_row(*(Text(for_people(cell)) for cell in row))
    if not table.row_count:
        remark(empty)
        return
    console = Console(highlight=False)
    console.print(table) if console.is_terminal else Console(highlight=False, width=400).print(table)


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values, one pair a line."""
    pairs = [(name, for_people(value)) for name, value in fields]
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        typer.echo(f"{name:<{width}}  {value}")


def remark(text: str) -> None:
    """A sentence beside the output."""
    typer.echo(text, err=True)


def counted(count: int, one: str, several: str | None = None) -> str:
    """A number with its noun: `1 check`, `2 checks`; `several` where an s will not do."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def for_people(value: object) -> str:
    """`printable`, with a time of the API's as people read it: 2026-11-25 01:10:44 UTC."""
    text = printable(value)
    found = _MOMENT.fullmatch(text)
    return text if found is None else f"{found[1]} {found[2]} UTC"


def printable(value: object) -> str:
    """One line of text that cannot steer a terminal."""
    if value is None:
        return "-"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value))
