"""`stronghouse access`: why somebody may or may not do something."""

from typing import Annotated

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import printable, show_json
from stronghouse.cli.policies import whole_permission
from stronghouse.cli.resources import Organization, find_service, organization_path

app = typer.Typer(name="access", help="Who may do what, and why.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Who may do what, and why."""


@app.command("explain")
def explain(
    who: Annotated[str, typer.Option(help="A member's address, or an API key's name or apiKey/<id>.")],
    permission: Annotated[str, typer.Option(help="As `stronghouse role permissions` lists them.")],
    resource: Annotated[
        str | None,
        typer.Option(help="A service's name or id.", show_default="the organization, or every service"),
    ] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Say whether somebody may do something, and which role and which policy of it decides."""
    with connect() as client:
        path = organization_path(client, org)
        asked = {"who": who, "permission": whole_permission(permission)}
        if resource is not None:
            asked["resource"] = resource if "/" in resource else find_service(client, path, resource)["id"]
        found = client.get(f"{path}/accessExplanation", **asked)
    if as_json:
        show_json(found)
        return
    typer.echo(printable(found["reason"]))
