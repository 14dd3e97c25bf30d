"""`stronghouse invitation`, with and without a mail server."""

from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli


def test_an_invitation_is_made_listed_renewed_and_revoked(cli: Cli, plane: Plane) -> None:
    made = cli("invitation", "create", "Grace@Example.com", "--role", "developer", "--role", "Billing")
    assert (made.code, "sh_invite_" in made.out) == (0, False)
    assert "Developer, Billing" in made.out
    assert "The link is mailed" in made.err
    listed = cli("invitation", "list")
    assert "grace@example.com" in listed.out
    assert "waiting" in listed.out
    (one,) = cli("invitation", "list", "--json").json
    assert one["invitation"]["email"] == "grace@example.com"
    assert cli("invitation", "renew", "grace@example.com", "--json").json["state"] == "waiting"
    assert "no invitation" in cli("invitation", "renew", "nobody@example.com").err
    assert cli("invitation", "delete", one["invitation"]["id"], "--yes", "--json").json == {
        "deleted": one["invitation"]["id"]
    }
    assert "Nobody is invited." in cli("invitation", "list").err


def test_without_a_mail_server_the_link_is_printed_once(cli: Cli, plane: Plane) -> None:
    plane.control.sends_mail = False
    made = cli("invitation", "create", "grace@example.com")
    assert "https://localhost:8441/sign-in/invitation?token=sh_invite_" in made.out
    assert "shown this once" in made.err
    assert "sh_invite_" not in cli("invitation", "list").out
    assert "sh_invite_" not in cli("invitation", "list", "--json").out
    assert cli("invitation", "renew", "grace@example.com", "--json").json["link"].startswith("https://localhost:8441/")


def test_what_is_refused_is_said(cli: Cli) -> None:
    assert "not an e-mail address" in cli("invitation", "create", "nobody").err
    assert cli("invitation", "create", "a@b.example", "--role", "Nothing").code == 1
    assert cli("invitation", "delete", "a@b.example", "--yes").code == 1
