"""`stronghouse history`: when rows, controls and checks came to another state."""

from typing import Annotated, Any

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import show_json, show_table
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.errors import Invalid

HEADINGS = {"not_applicable": "N/A"}
"""Of the states whose names are too long for a column of numbers."""


def history(
    row: Annotated[str | None, typer.Argument(help="Only this row, its controls and its checks.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many changes.", min=1, max=1000)] = 50,
    trend: Annotated[bool, typer.Option("--trend", help="Instead how many rows were in which state each day.")] = False,
    days: Annotated[int, typer.Option(help="With --trend: for how many days.", min=1, max=400)] = 90,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """What changed its state, the newest first; or how many rows were in which state at the end of each day."""
    if trend:
        if row is not None:
            raise Invalid("The trend counts all rows; leave out either --trend or the row.")
        _show_trend(days, org=org, as_json=as_json)
        return
    parameters: dict[str, str | int] = {"limit": limit} if row is None else {"limit": limit, "row": row}
    with connect() as client:
        path = f"{organization_path(client, org)}/responsibilities"
        found = client.get(f"{path}/history", **parameters)
        if row is not None and not found:
            _require_row(client, path, row)
    if as_json:
        show_json(found)
        return
    rows = [
        (entry["since"], entry["kind"], entry["subject"], entry["previousState"], entry["state"], entry["reason"])
        for entry in found
    ]
    show_table(("SINCE", "KIND", "WHAT", "WAS", "IS", "WHY"), rows, empty="Nothing has changed yet.")


def _require_row(client: ApiClient, path: str, row: str) -> None:
    """Raise Invalid unless there is this row; one that nobody has looked at yet has no changes either."""
    if row not in {entry["id"] for entry in client.get(path)["rows"]}:
        raise Invalid(f"There is no responsibility {row[:80]!r}; `stronghouse matrix` lists them.")


def _show_trend(days: int, *, org: str | None, as_json: bool) -> None:
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/responsibilities/trend", days=days)
    if as_json:
        show_json(found)
        return
    states: list[str] = [*found[0]["rows"]] if found else []
    columns = ("DAY", *(HEADINGS.get(state, state.upper()) for state in states), "PROVEN")
    show_table(columns, [_day(entry, states) for entry in found], empty="Nothing was kept yet.", whole={"DAY"})


def _day(entry: dict[str, Any], states: list[str]) -> tuple[object, ...]:
    proven = f"{entry['controlsProven']}/{entry['controlsTotal']}"
    return (entry["day"], *(entry["rows"][state] for state in states), proven)
