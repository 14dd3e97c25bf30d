"""Finding what a command names: an organization, a service, a key; by id, by name, or because there is only one."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from stronghouse.cli.client import ApiClient
from stronghouse.kernel.errors import Conflict, Invalid, NotFound

Organization = Annotated[str | None, typer.Option("--org", help="Organization id; needed when there are several.")]
"""The option that every command within an organization has."""


def organization_path(client: ApiClient, organization: str | None) -> str:
    """The API path of the organization that is meant.

    Raises:
        Invalid: there are several and none was named.
        NotFound: the key sees none.
    """
    if organization is not None:
        return f"/organizations/{_checked(organization)}"
    found = client.get("/organizations")
    if not found:
        raise NotFound("This API key sees no organization.")
    if len(found) > 1:
        named = ", ".join(f"{entry['id']} ({entry['name']})" for entry in found)
        raise Invalid(f"There are several organizations; choose one with --org: {named}.")
    return f"/organizations/{found[0]['id']}"


def find_by_name(entries: Sequence[dict[str, Any]], wanted: str, *, what: str) -> dict[str, Any]:
    """The one entry whose id or name is `wanted`; raises NotFound or Conflict."""
    by_id = [entry for entry in entries if entry["id"] == wanted.lower()]
    found = by_id or [entry for entry in entries if entry["name"] == wanted]
    if not found:
        raise NotFound(f"There is no {what} {wanted[:64]!r}.")
    if len(found) > 1:
        raise Conflict(f"Several of these are called {wanted[:64]!r}: name the {what} by its id.")
    return found[0]


def find_service(client: ApiClient, path: str, wanted: str) -> dict[str, Any]:
    """A service by its id or name."""
    return find_by_name(client.get(f"{path}/services"), wanted, what="service")


def service_path(client: ApiClient, organization: str | None, wanted: str) -> str:
    """The API path of a service, by its id or name."""
    path = organization_path(client, organization)
    return f"{path}/services/{find_service(client, path, wanted)['id']}"


def find_key(client: ApiClient, path: str, wanted: str) -> dict[str, Any]:
    """An API key by its id or name."""
    return find_by_name(client.get(f"{path}/keys"), wanted, what="API key")


def find_role(client: ApiClient, path: str, wanted: str) -> dict[str, Any]:
    """A role by its id or name; of a system role any letter case will do."""
    found = client.get(f"{path}/roles")
    system = {role["name"].lower(): role["name"] for role in found if role["type"] == "system"}
    return find_by_name(found, system.get(wanted.lower(), wanted), what="role")


def role_ids(client: ApiClient, path: str, names: Sequence[str]) -> list[str]:
    """The ids of roles by id or name. System roles are known without asking, which not every key may."""
    from stronghouse.access.roles.system import SYSTEM_ROLES

    system = {role.name.lower(): role.id for role in SYSTEM_ROLES.values()} | {one: one for one in SYSTEM_ROLES}
    return [system.get(name.lower()) or find_role(client, path, name)["id"] for name in names]


def find_member(client: ApiClient, path: str, wanted: str) -> dict[str, Any]:
    """A member by address or id; raises NotFound."""
    for member in client.get(f"{path}/members"):
        if wanted.strip().lower() in {member["email"], member["userId"]}:
            return dict(member)
    raise NotFound(f"There is no member {wanted[:64]!r}.")


def holder_of(client: ApiClient, path: str, wanted: str) -> str:
    """Who holds roles, as the API names them: `user/<id>` for an address, `apiKey/<id>` for a key's name or id."""
    if "/" in wanted:
        return wanted
    if "@" in wanted:
        return f"user/{find_member(client, path, wanted)['userId']}"
    return f"apiKey/{find_key(client, path, wanted)['id']}"


def _checked(organization: str) -> str:
    try:
        return str(uuid.UUID(organization))
    except ValueError:
        raise Invalid(f"{organization[:64]!r} is not an organization's id.") from None
