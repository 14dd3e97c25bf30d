"""`stronghouse member`: the people of an organization. Some of it needs the machine that runs the control plane."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.confirmation import confirm
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, find_member, organization_path, role_ids
from stronghouse.kernel.errors import Invalid
from stronghouse.settings import locations

app = typer.Typer(
    name="member",
    help="People who can sign in. `add`, `list`, `sign-out` and `reset-factors` need the machine's own key files.",
    no_args_is_help=True,
)
StateDirectory = Annotated[
    Path | None, typer.Option(help="The installation's state directory.", show_default="your state directory")
]
MachineKey = Annotated[Path | None, typer.Option(help="The machine key.", show_default="your configuration")]


class RoleName(StrEnum):
    """The system roles that somebody can begin with."""

    ADMIN = "Admin"
    DEVELOPER = "Developer"
    BILLING = "Billing"
    MEMBER = "Member"


@app.command("add")
def add(
    email: Annotated[str, typer.Argument(help="Their e-mail address, by which they are known.")],
    role: Annotated[
        RoleName,
        typer.Option(
            case_sensitive=False, help="Approving and reviewing take Admin; Billing and Member see no responsibilities."
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Their name.", show_default="the address")] = None,
    state_dir: StateDirectory = None,
    machine_key: MachineKey = None,
    port_base: Annotated[int, typer.Option(help="First of the installation's 25 ports.")] = 8440,
    org: Annotated[str | None, typer.Option("--org", help="Organization id; needed when there are several.")] = None,
    as_json: Json = False,
) -> None:
    """Add a person and print a link that signs them in once, within a day."""
    from stronghouse.app.members import add_member

    added = add_member(
        state_dir or locations.state_directory(),
        machine_key_file=machine_key or locations.machine_key_file(),
        port_base=port_base,
        email=email,
        name=name or email.strip(),
        role=role.value,
        organization_id=org,
    )
    if as_json:
        show_json(
            {
                "id": added.user.id,
                "email": added.user.email,
                "name": added.user.name,
                "roles": [added.role.name],
                "organizationId": added.organization_id,
                "login_url": added.link.reveal(),
            }
        )
        return
    typer.echo(added.link.reveal())
    remark(
        f"{added.user.email} is a member with the role {added.role.name}. The link signs them in once, within a day."
    )


@app.command("list")
def list_all(state_dir: StateDirectory = None, machine_key: MachineKey = None, as_json: Json = False) -> None:
    """Everyone who is a member."""
    from stronghouse.app.members import list_members
    from stronghouse.kernel.clock import rfc3339

    found: list[dict[str, Any]] = [
        {
            "id": one.user.id,
            "email": one.user.email,
            "name": one.user.name,
            "roles": list(one.roles),
            "organizationId": one.organization_id,
            "hasPassword": one.user.password_hash is not None,
            "lastSignInAt": None if one.last_sign_in is None else rfc3339(one.last_sign_in),
        }
        for one in list_members(
            state_dir or locations.state_directory(), machine_key_file=machine_key or locations.machine_key_file()
        )
    ]
    if as_json:
        show_json(found)
        return
    rows = [
        (one["email"], one["name"], ", ".join(one["roles"]), "yes" if one["hasPassword"] else "no", one["lastSignInAt"])
        for one in found
    ]
    show_table(("ADDRESS", "NAME", "ROLES", "PASSWORD", "LAST SIGN-IN"), rows, empty="There are no members.")


@app.command("update")
def update(
    member: Annotated[str, typer.Argument(help="Their e-mail address or id.")],
    role: Annotated[
        list[str] | None, typer.Option("--role", help="A role's name or id; these replace all of theirs; repeatable.")
    ] = None,
    clear_roles: Annotated[bool, typer.Option("--clear-roles", help="Take every role away.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Give a member other roles. They hold from the member's next request on."""
    if bool(role) == clear_roles:
        raise Invalid("Say which roles with --role, or --clear-roles.")
    with connect() as client:
        path = organization_path(client, org)
        body = {"assignedRoleIds": role_ids(client, path, role or [])}
        changed = client.patch(f"{path}/members/{find_member(client, path, member)['userId']}", body)
    if as_json:
        show_json(changed)
        return
    names = ", ".join(one["roleName"] for one in changed["assignedRoles"])
    show_fields([("id", changed["userId"]), ("email", changed["email"]), ("roles", names or "-")])


@app.command("remove")
def remove(
    member: Annotated[str, typer.Argument(help="Their e-mail address or id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Take a person out of the organization. What they may do in it ends with their next request."""
    with connect() as client:
        path = organization_path(client, org)
        found = find_member(client, path, member)
        if not yes:
            confirm(f"Remove {found['email']} from the organization?")
        client.delete(f"{path}/members/{found['userId']}")
    if as_json:
        show_json({"removed": found["userId"]})
    else:
        remark(f"{found['email']} is not a member any more. API keys that they made go on working.")


@app.command("sign-out")
def sign_out(
    email: Annotated[str, typer.Argument(help="Their e-mail address.")],
    state_dir: StateDirectory = None,
    machine_key: MachineKey = None,
    as_json: Json = False,
) -> None:
    """Sign a person out everywhere.

    All their sessions end at once, and so do the sign-in links that they have not used.
    """
    from stronghouse.app.members import sign_out_member

    ended = sign_out_member(
        state_dir or locations.state_directory(),
        machine_key_file=machine_key or locations.machine_key_file(),
        email=email,
    )
    if as_json:
        show_json({"email": email.strip().lower(), "endedSessions": ended})
        return
    remark(f"{email.strip().lower()} is signed out everywhere; sessions ended: {ended}.")


@app.command("reset-factors")
def reset_factors(
    email: Annotated[str, typer.Argument(help="Their e-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state_dir: StateDirectory = None,
    machine_key: MachineKey = None,
    as_json: Json = False,
) -> None:
    """Take all second factors from a person who lost them.

    Be sure that it is the person who asks: afterwards a new sign-in link alone lets them in. Their password goes too,
    their sessions and unused links end, and the audit log tells of it.
    """
    from stronghouse.app.members import reset_factors as reset

    address = email.strip().lower()
    if not yes:
        confirm(f"Take all second factors and the password from {address}? A link alone will sign them in.")
    taken = reset(
        state_dir or locations.state_directory(),
        machine_key_file=machine_key or locations.machine_key_file(),
        email=email,
    )
    if as_json:
        show_json({"email": address, "removedFactors": [kind.value for kind in taken]})
        return
    remark(f"{address} has no second factor and no password any more, and is signed out everywhere.")
