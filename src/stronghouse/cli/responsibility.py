"""`stronghouse responsibility`: who answers for a row of the matrix."""

from typing import Annotated

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json
from stronghouse.cli.resources import Organization, organization_path

app = typer.Typer(name="responsibility", help="Who answers for a row of the matrix.", no_args_is_help=True)
Row = Annotated[str, typer.Argument(help="The row's id, as `stronghouse matrix` shows it.")]


@app.command("assign")
def assign(
    row: Row,
    email: Annotated[str, typer.Argument(help="The e-mail address of a member.")],
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Name the member who answers for a row."""
    with connect() as client:
        path = f"{organization_path(client, org)}/responsibilities/{row}/accountable"
        result = client.put(path, {"member": email})
    if as_json:
        show_json(result)
    else:
        show_fields([("row", row), ("accountable", f"{result['name']} <{result['email']}>")])


@app.command("unassign")
def unassign(row: Row, org: Organization = None, as_json: Json = False) -> None:
    """Name nobody."""
    with connect() as client:
        client.delete(f"{organization_path(client, org)}/responsibilities/{row}/accountable")
    if as_json:
        show_json({"row": row, "accountable": None})
    else:
        remark(f"Nobody is accountable for {row} now.")
