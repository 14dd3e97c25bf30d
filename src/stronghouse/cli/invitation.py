"""`stronghouse invitation`: people who are asked to become members."""

from typing import Annotated, Any

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.confirmation import confirm
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path, role_ids
from stronghouse.kernel.errors import NotFound

app = typer.Typer(
    name="invitation",
    help="Invite people. They get a link by mail or, where no mail server is set, you get it to hand over.",
    no_args_is_help=True,
)
Named = Annotated[str, typer.Argument(help="Its e-mail address or id.")]


@app.command("create")
def create(
    email: Annotated[str, typer.Argument(help="Whom to invite; only a person with this address can accept.")],
    role: Annotated[
        list[str] | None, typer.Option("--role", help="A role's name or id that they get; repeatable.")
    ] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Invite a person. The link works once, for a week."""
    with connect() as client:
        path = organization_path(client, org)
        body = {"email": email, "assignedRoleIds": role_ids(client, path, role or [])}
        made = client.post(f"{path}/invitationDeliveries", body)
    _show(made, as_json=as_json)


@app.command("list")
def list_invitations(org: Organization = None, as_json: Json = False) -> None:
    """Who is invited, and how far each link has got."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/invitationDeliveries")
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["invitation"]["id"],
            one["invitation"]["email"],
            _roles(one),
            one["invitation"]["expireAt"],
            one["state"],
            one["error"],
        )
        for one in found
    ]
    show_table(("ID", "ADDRESS", "ROLES", "ENDS", "LINK", "WHY"), rows, empty="Nobody is invited.")


@app.command("renew")
def renew(invitation: Named, org: Organization = None, as_json: Json = False) -> None:
    """Make another link, which is mailed or shown. The one before does not work any more."""
    with connect() as client:
        path = organization_path(client, org)
        made = client.post(f"{path}/invitationDeliveries/{_found(client, path, invitation)['id']}", {})
    _show(made, as_json=as_json)


@app.command("delete")
def delete(
    invitation: Named,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Revoke an invitation. Its link stops working at once."""
    with connect() as client:
        path = organization_path(client, org)
        found = _found(client, path, invitation)
        if not yes:
            confirm(f"Revoke the invitation of {found['email']}?")
        client.delete(f"{path}/invitations/{found['id']}")
    if as_json:
        show_json({"deleted": found["id"]})
    else:
        remark(f"The invitation of {found['email']} is revoked.")


def _found(client: ApiClient, path: str, wanted: str) -> dict[str, Any]:
    """An invitation by address or id; raises NotFound."""
    for one in client.get(f"{path}/invitations"):
        if wanted.strip().lower() in {one["email"], one["id"]}:
            return dict(one)
    raise NotFound(f"There is no invitation {wanted[:64]!r}.")


def _roles(one: dict[str, Any]) -> str:
    return ", ".join(role["roleName"] for role in one["invitation"]["assignedRoles"]) or "-"


def _show(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(made)
        return
    one = made["invitation"]
    fields: list[tuple[str, object]] = [
        ("id", one["id"]),
        ("email", one["email"]),
        ("roles", _roles(made)),
        ("ends", one["expireAt"]),
    ]
    if "link" in made:
        show_fields([*fields, ("link", made["link"])])
        remark(
            "The link is shown this once, since no mail server is set. Hand it over on a channel that only that person "
            "reads: whoever opens it first becomes them."
        )
    else:
        show_fields(fields)
        remark("The link is mailed; `stronghouse invitation list` says when the mail server has taken it.")
