"""`stronghouse history`: when rows, controls and checks came to another state."""

from typing import Annotated

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import show_json, show_table
from stronghouse.cli.resources import Organization, organization_path


def history(
    row: Annotated[str | None, typer.Argument(help="Only this row, its controls and its checks.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many changes.", min=1, max=1000)] = 50,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """What changed its state, the newest first."""
    parameters: dict[str, str | int] = {"limit": limit} if row is None else {"limit": limit, "row": row}
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/responsibilities/history", **parameters)
    if as_json:
        show_json(found)
        return
    rows = [
        (entry["since"], entry["kind"], entry["subject"], entry["previousState"], entry["state"], entry["reason"])
        for entry in found
    ]
    show_table(("SINCE", "KIND", "WHAT", "WAS", "IS", "WHY"), rows, empty="Nothing has changed yet.")
