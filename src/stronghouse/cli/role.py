"""`stronghouse role`: named sets of policies, and who holds them."""

from typing import Annotated, Any

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.confirmation import confirm
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.policies import FORM, policy_of, sentence_of
from stronghouse.cli.resources import Organization, find_role, holder_of, organization_path
from stronghouse.kernel.errors import Invalid

app = typer.Typer(name="role", help="Roles: what somebody may do, and who holds them.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The role's id or name.")]
Allow = Annotated[list[str] | None, typer.Option("--allow", help=f"A policy that allows: {FORM}; repeatable.")]
Deny = Annotated[list[str] | None, typer.Option("--deny", help="A policy that denies, which wins; repeatable.")]
Give = Annotated[
    list[str] | None, typer.Option("--give", help="A member's address, or a key's name or id; repeatable.")
]
Take = Annotated[list[str] | None, typer.Option("--take", help="Somebody to take it from; repeatable.")]


@app.command("list")
def list_roles(org: Organization = None, as_json: Json = False) -> None:
    """Every role: the system's, then the organization's own."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/roles")
    if as_json:
        show_json(found)
        return
    rows = [(role["id"], role["name"], role["type"], len(role["policies"]), len(role["actors"])) for role in found]
    show_table(("ID", "NAME", "TYPE", "POLICIES", "HELD BY"), rows, empty="There are no roles.")


@app.command("show")
def show_role(role: Name, org: Organization = None, as_json: Json = False) -> None:
    """What a role says, and who holds it."""
    with connect() as client:
        path = organization_path(client, org)
        found = find_role(client, path, role)
        names = {} if as_json else _names(client, path)
    if as_json:
        show_json(found)
        return
    show_fields([("id", found["id"]), ("name", found["name"]), ("type", found["type"])])
    show_table(("", "POLICY"), list(enumerate(map(sentence_of, found["policies"]), 1)), empty="It allows nothing.")
    show_table(("HELD BY",), [(names.get(one, one),) for one in found["actors"]], empty="Nobody holds it.")


@app.command("permissions")
def list_permissions(as_json: Json = False) -> None:
    """Every permission that a policy can name, and what it is about."""
    from stronghouse.access.permissions import INCLUDED, Permission

    rows = [(one.value, one.scope, [other.value for other in sorted(INCLUDED.get(one, ()))]) for one in Permission]
    if as_json:
        show_json([{"permission": name, "scope": scope, "includes": includes} for name, scope, includes in rows])
        return
    shown = [(name, scope, ", ".join(wide)) for name, scope, wide in rows]
    show_table(("PERMISSION", "IS ABOUT", "INCLUDES"), shown, empty="")


@app.command("create")
def create_role(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    allow: Allow = None,
    deny: Deny = None,
    give: Give = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Make a role. Nobody can make one that allows what they may not do themselves."""
    with connect() as client:
        path = organization_path(client, org)
        body = {
            "name": name,
            "policies": _policies(client, path, allow or [], deny or []),
            "actors": [holder_of(client, path, one) for one in give or []],
        }
        made = client.post(f"{path}/roles", body)
    _show(made, as_json=as_json)


@app.command("update")
def update_role(
    role: Name,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    allow: Allow = None,
    deny: Deny = None,
    give: Give = None,
    take: Take = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Change a role: policies that are given replace all of its policies. It is in force from the next request on."""
    if name is None and not (allow or deny or give or take):
        raise Invalid("Nothing to change: name at least one option.")
    with connect() as client:
        path = organization_path(client, org)
        found = find_role(client, path, role)
        body: dict[str, object] = {}
        if name is not None:
            body["name"] = name
        if allow or deny:
            body["policies"] = _policies(client, path, allow or [], deny or [])
        if give or take:
            gone = {holder_of(client, path, one) for one in take or []}
            added = [holder_of(client, path, one) for one in give or []]
            body["actors"] = [one for one in dict.fromkeys([*found["actors"], *added]) if one not in gone]
        changed = client.patch(f"{path}/roles/{found['id']}", body)
    _show(changed, as_json=as_json)


@app.command("delete")
def delete_role(
    role: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Delete a role. Whoever holds it loses what only it allowed."""
    with connect() as client:
        path = organization_path(client, org)
        found = find_role(client, path, role)
        if not yes:
            confirm(f"Delete the role {found['name']}, which {len(found['actors'])} members and keys hold?")
        client.delete(f"{path}/roles/{found['id']}")
    if as_json:
        show_json({"deleted": found["id"]})
    else:
        remark(f"The role {found['name']} is deleted.")


def _policies(client: ApiClient, path: str, allow: list[str], deny: list[str]) -> list[dict[str, Any]]:
    organization = f"organization/{path.rpartition('/')[2]}"
    services = {service["name"]: service["id"] for service in client.get(f"{path}/services")}
    typed = [("ALLOW", one) for one in allow] + [("DENY", one) for one in deny]
    return [policy_of(effect, one, organization=organization, services=services) for effect, one in typed]


def _names(client: ApiClient, path: str) -> dict[str, str]:
    """Members' addresses and keys' names by actor."""
    people = {f"user/{one['userId']}": one["email"] for one in client.get(f"{path}/members")}
    return people | {f"apiKey/{one['id']}": f"{one['name']} (API key)" for one in client.get(f"{path}/keys")}


def _show(role: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(role)
        return
    show_fields([("id", role["id"]), ("name", role["name"])])
    show_table(("", "POLICY"), list(enumerate(map(sentence_of, role["policies"]), 1)), empty="It allows nothing.")
