"""`stronghouse service query-endpoint`: which API keys may run statements through the queries host, and as what."""

from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json
from stronghouse.cli.resources import Organization, find_key, find_service, organization_path
from stronghouse.kernel.errors import Invalid

app = typer.Typer(
    name="query-endpoint", help="Which API keys may run statements through the queries host.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="The service's id or name.")]
ROLES = {
    "read-only": "sql_console_read_only",
    "admin": "sql_console_admin",
    "sql_console_read_only": "sql_console_read_only",
    "sql_console_admin": "sql_console_admin",
}


@app.command("get")
def get_endpoint(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """The service's query endpoint."""
    with connect() as client:
        path = organization_path(client, org)
        found = client.get(_place(path, find_service(client, path, service)))
    _show(found, as_json=as_json)


@app.command("set")
def set_endpoint(
    service: Name,
    role: Annotated[list[str], typer.Option(help="What the keys may do: read-only or admin; repeatable.")],
    key: Annotated[list[str] | None, typer.Option(help="An API key's name or id; repeatable.")] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Whose pages may use it, as https://app.example.com; repeatable.")
    ] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Make the service's query endpoint, or replace all of it: keys that are not named lose their access."""
    roles = [_role(one) for one in role]
    with connect() as client:
        path = organization_path(client, org)
        keys = [find_key(client, path, one)["id"] for one in key or []]
        body = {"roles": roles, "openApiKeys": keys, "allowedOrigins": ",".join(origin or [])}
        found = client.post(_place(path, find_service(client, path, service)), body)
    _show(found, as_json=as_json)
    if not keys:
        remark("No API key may use it yet: name one with --key.")


@app.command("delete")
def delete_endpoint(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """Delete the service's query endpoint: no API key reaches the service through the queries host."""
    with connect() as client:
        path = organization_path(client, org)
        found = find_service(client, path, service)
        client.delete(_place(path, found))
    if as_json:
        show_json({"deleted": found["id"]})
    else:
        remark(f"The query endpoint of {found['name']} is deleted.")


def _place(path: str, service: dict[str, Any]) -> str:
    return f"{path}/services/{service['id']}/serviceQueryEndpoint"


def _role(name: str) -> str:
    role = ROLES.get(name.lower())
    if role is None:
        raise Invalid(f"{name[:64]!r} is not a role here; there are read-only and admin.", code="role_unknown")
    return role


def _show(endpoint: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(endpoint)
        return
    keys, roles = ", ".join(endpoint["openApiKeys"]) or "none", ", ".join(endpoint["roles"])
    origins = endpoint["allowedOrigins"] or "none"
    show_fields(
        [("id", endpoint["id"]), ("keys", keys), ("roles", roles), ("origins", origins), ("url", endpoint["url"])]
    )
