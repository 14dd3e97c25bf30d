"""`stronghouse org`: organizations, and what there is of each as a whole."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.dates import checked_day
from stronghouse.cli.failures import Json
from stronghouse.cli.output import show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path

app = typer.Typer(name="org", help="Organizations.", no_args_is_help=True)
Filtered = Annotated[bool, typer.Option("--filtered", help="The most telling metrics only.")]


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


@app.command("quotas")
def list_quotas(org: Organization = None, as_json: Json = False) -> None:
    """How much an organization may have, and has."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/quotas")
    if as_json:
        show_json(found)
        return
    rows = [(quota["quotaCode"], quota.get("usage", "-"), quota["value"], quota["description"]) for quota in found]
    show_table(("QUOTA", "USED", "LIMIT", "MEANING"), rows, empty="There are no quotas.")


@app.command("usage")
def show_usage(
    first: Annotated[str | None, typer.Option("--from", help="First day.", show_default="30 days ago")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day.", show_default="today")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """What use cost, of at most 31 days. Nothing has a price here: `metrics` tells what is used."""
    from stronghouse.kernel.clock import SystemClock

    today = SystemClock().now().date()
    parameters = {
        "from_date": checked_day("--from", first) or (today - timedelta(days=30)).isoformat(),
        "to_date": checked_day("--to", last) or today.isoformat(),
    }
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/usageCost", **parameters)
    if as_json:
        show_json(found)
        return
    show_fields([("credits", found["grandTotalCHC"]), ("records", len(found["costs"]))])


@app.command("metrics")
def show_metrics(
    filtered: Filtered = False,
    targets: Annotated[bool, typer.Option("--targets", help="Where Prometheus finds them, as JSON.")] = False,
    org: Organization = None,
) -> None:
    """Metrics of all services in Prometheus' text format."""
    parameters = {"filtered_metrics": str(filtered).lower()}
    with connect() as client:
        path = f"{organization_path(client, org)}/prometheus{'/discovery' if targets else ''}"
        typer.echo(client.text(path, parameters), nl=False)


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
