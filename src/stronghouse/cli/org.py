"""`stronghouse org`: organizations."""

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import show_json, show_table

app = typer.Typer(name="org", help="Organizations.", no_args_is_help=True)


@app.command("list")
def list_organizations(as_json: Json = False) -> None:
    """The organizations that your API key sees."""
    with connect() as client:
        found = client.get("/organizations")
    if as_json:
        show_json(found)
        return
    rows = [(entry["id"], entry["name"], entry["createdAt"]) for entry in found]
    show_table(("ID", "NAME", "CREATED"), rows, empty="This API key sees no organization.")
