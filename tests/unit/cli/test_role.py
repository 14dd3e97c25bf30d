"""Roles on the command line: policies as sentences, who holds what, and why."""

import io

import pytest

from stronghouse.access.roles.system import MEMBER
from stronghouse.cli.policies import policy_of, sentence_of
from stronghouse.kernel.errors import Invalid
from tests.api.test_members import add
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli

VIEWING = "service:view, service:view-backups on services"


def test_life_of_a_role(cli: Cli, plane: Plane, organization_id: str) -> None:
    add(plane, organization_id, "ada@example.com", MEMBER)
    cli("key", "create", "ci", "--role", "Member")
    made = cli("role", "create", "Viewers", "--allow", VIEWING, "--give", "ada@example.com", "--json").json
    assert [sentence_of(one) for one in made["policies"]] == [
        "ALLOW control-plane:service:view, control-plane:service:view-backups on instance/*"
    ]
    assert len(made["actors"]) == 1
    shown = cli("role", "show", "Viewers")
    assert "ada@example.com" in shown.out
    assert "ALLOW control-plane:service:view" in shown.out
    assert "Viewers" in cli("role", "list").out
    denied = cli("role", "update", "Viewers", "--deny", VIEWING, "--take", "ada@example.com", "--give", "ci", "--json")
    assert [one["allowDeny"] for one in denied.json["policies"]] == ["DENY"]
    assert denied.json["actors"][0].startswith("apiKey/")
    assert cli("role", "update", "Viewers", "--name", "Seers", "--json").json["name"] == "Seers"
    assert cli("role", "delete", "Seers", "--yes", "--json").json == {"deleted": made["id"]}
    assert "Seers" not in cli("role", "list").out


def test_a_policy_for_one_service_names_it(cli: Cli, plane: Plane, organization_id: str) -> None:
    service = cli("service", "create", "sales", "--no-wait", "--json").json["service"]["id"]
    made = cli("role", "create", "Sales", "--allow", "service:manage on sales", "--json").json
    assert made["policies"][0]["resources"] == [f"instance/{service}"]
    add(plane, organization_id, "ada@example.com", MEMBER)
    cli("member", "update", "ada@example.com", "--role", "Sales", "--role", "member", "--json")
    asked = ("access", "explain", "--who", "ada@example.com", "--permission", "service:manage")
    assert "policy 1 of the role Sales allows it" in cli(*asked, "--resource", "sales").out
    everywhere = cli(*asked, "--json").json
    assert (everywhere["allowed"], everywhere["resource"]) == (False, "instance/*")
    gone = cli("role", "create", "Lost", "--allow", "service:manage on lost")
    assert (gone.code, "There is no service 'lost'" in gone.err) == (1, True)


def test_members_get_roles_and_are_removed(
    cli: Cli, plane: Plane, organization_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))  # nobody answers
    add(plane, organization_id, "ada@example.com", MEMBER)
    changed = cli("member", "update", "ada@example.com", "--role", "developer", "--json").json
    assert [one["roleName"] for one in changed["assignedRoles"]] == ["Developer"]
    assert cli("member", "update", "ada@example.com", "--clear-roles", "--json").json["assignedRoles"] == []
    assert cli("member", "update", "ada@example.com").code == 1
    assert cli("member", "remove", "ada@example.com").code == 1, "nobody agreed"
    assert cli("member", "remove", "ada@example.com", "--yes").code == 0
    assert "There is no member" in cli("member", "remove", "ada@example.com", "--yes").err


def test_every_permission_is_listed(cli: Cli) -> None:
    listed = {one["permission"]: one for one in cli("role", "permissions", "--json").json}
    assert listed["control-plane:service:manage"]["includes"] == ["control-plane:service:manage-ip-access-list"]
    assert listed["control-plane:organization:manage-roles"]["scope"] == "organization"
    assert "sql-console:database:access" in cli("role", "permissions").out


@pytest.mark.parametrize(
    "sentence",
    [
        "ALLOW control-plane:service:view on instance/*",
        "DENY control-plane:organization:view, control-plane:organization:manage on organization/1",
        "ALLOW sql-console:database:access on instance/1, instance/2 as sql-console-readonly in sales, hr",
        "ALLOW sql-console:database:access on instance/* as sql-console-admin in every database",
    ],
)
def test_what_is_printed_can_be_typed(sentence: str) -> None:
    effect, _, typed = sentence.partition(" ")
    assert sentence_of(policy_of(effect, typed, organization="organization/1", services={})) == sentence


@pytest.mark.parametrize("typed", ["", "service:view", " on services", "service:view on ", "service:view in services"])
def test_what_is_no_policy_is_refused_with_the_form(typed: str) -> None:
    with pytest.raises(Invalid, match="write PERMISSION"):
        policy_of("ALLOW", typed, organization="organization/1", services={})
