"""`stronghouse org`: organizations."""

from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path

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


@app.command("sign-in-policy")
def sign_in_policy(
    require_second_factor: Annotated[
        bool | None,
        typer.Option(
            "--require-second-factor/--no-require-second-factor",
            help="Whether members without one can do nothing but set one up.",
            show_default=False,
        ),
    ] = None,
    idle_minutes: Annotated[
        int | None, typer.Option(help="A session ends after so long without use; 5 to 720.", show_default=False)
    ] = None,
    absolute_minutes: Annotated[
        int | None, typer.Option(help="A session ends so long after it began; 15 to 1440.", show_default=False)
    ] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Show what is asked of members' sign-ins, or change what is given."""
    given: dict[str, Any] = {
        "secondFactorRequired": require_second_factor,
        "idleTimeoutMinutes": idle_minutes,
        "absoluteTimeoutMinutes": absolute_minutes,
    }
    change = {name: value for name, value in given.items() if value is not None}
    with connect() as client:
        path = f"{organization_path(client, org)}/signInPolicy"
        found = client.patch(path, change) if change else client.get(path)
    if as_json:
        show_json(found)
        return
    show_fields(
        [
            ("second factor", "required" if found["secondFactorRequired"] else "not required"),
            ("idle timeout", f"{found['idleTimeoutMinutes']} minutes"),
            ("absolute timeout", f"{found['absoluteTimeoutMinutes']} minutes"),
        ]
    )
