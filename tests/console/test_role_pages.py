"""The pages of roles, of a member and of the question why: what is done there holds at the next request."""

import re

import pytest

from stronghouse.access.permissions import Permission
from stronghouse.access.roles import store as role_store
from stronghouse.access.roles.system import ADMIN, DEVELOPER, MEMBER
from tests.console.conftest import Enter, Visitor
from tests.support.roles import role_of
from tests.unit.responsibility.findings.looks import Scene

VIEW = Permission.SERVICE_VIEW.value


def make(visitor: Visitor, name: str = "Analysts") -> str:
    """The path of a new role."""
    answer = visitor.send("/roles", data={"name": name})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).partition("?")[0]


def test_the_life_of_a_role(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    grace = enter(scene.operator, MEMBER, email="grace@example.com", name="Grace")
    grace.get("/services", 403)
    path = make(ada)
    ada.post(f"{path}/policies", data={"effect": "ALLOW", "place": "services", "permission": [VIEW]})
    ada.post(f"{path}/holders", data={"holder": [f"user/{grace.user_id}"]})
    grace.get("/services")
    page = ada.get(path)
    assert f"<code>{VIEW}</code>" in page
    assert f"--allow &#39;{VIEW} on instance/*&#39;" in page
    (policy,) = re.findall(r'name="policy" value="([^"]+)"', page)
    ada.post(f"{path}/policies/remove", data={"policy": policy})
    grace.get("/services", 403)
    assert "no such policy" in ada.post(f"{path}/policies/remove", 409, data={"policy": policy})
    ada.post(f"{path}/name", data={"name": "Readers"})
    assert "<bdi>Readers</bdi>" in ada.get("/roles")
    assert "nothing was deleted" in ada.post(f"{path}/delete", 400, data={"typed": "Analysts"})
    ada.post(f"{path}/delete", data={"typed": "Readers"})
    ada.get(path, 404)
    codes = [code for code in ada.events() if code.startswith(("role.", "member.role"))]
    assert codes[0] == "role.create"
    assert codes[-1] == "role.delete"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"permission": []}, "at least one permission for this place"),
        ({"permission": [VIEW], "place": "organization"}, "at least one permission for this place"),
        ({"permission": [VIEW], "place": "services", "effect": "MAYBE"}, "allows or denies"),
        ({"permission": ["service:fly"], "place": "services"}, "at least one permission for this place"),
        ({"permission": [VIEW], "place": "nowhere"}, "names no resource"),
        ({"permission": [Permission.DATABASE_ACCESS.value], "place": "services"}, "what may be done in the databases"),
    ],
)
def test_a_policy_that_means_nothing_is_refused_with_the_form_kept(
    enter: Enter, scene: Scene, form: dict[str, object], sentence: str
) -> None:
    ada = enter(scene.operator)
    path = make(ada)
    page = ada.post(f"{path}/policies", 400, data={"databases": "kept", **form})
    assert sentence in page
    assert 'value="kept"' in page
    assert "it allows nothing" in ada.get(path)


def test_database_access_keeps_its_databases(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    path = make(ada)
    form = {
        "place": "services",
        "permission": [Permission.DATABASE_ACCESS.value],
        "database_role": "sql-console-readonly",
        "databases": "sales, hr",
    }
    ada.post(f"{path}/policies", data=form)
    assert "as <code>sql-console-readonly</code> in sales, hr" in ada.get(path)


def test_the_roles_of_the_system_show_what_they_say_and_only_holders_change(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    page = ada.get(f"/roles/{ADMIN.id}")
    assert "Save who holds it" in page
    for absent in ("Add a policy", "Delete it", "Remove policy"):
        assert absent not in page
    assert "cannot be changed" in ada.post(f"/roles/{ADMIN.id}/name", 400, data={"name": "Boss"})


def test_who_manages_roles_is_shown_nothing_beyond_what_they_hold(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    managing = role_of("managing", [Permission.ROLES_MANAGE, Permission.MEMBERS_MANAGE, Permission.ORGANIZATION_VIEW])
    with ada.plane.control.audit.database.write() as connection:
        own = managing.__class__(managing.id, managing.name, managing.policies, scene.operator)
        role_store.insert_role(connection, own, now=ada.plane.clock.now())
    mia = enter(scene.operator, managing, email="mia@example.com", name="Mia")
    assert "It allows what you do not hold yourself" in mia.get(f"/roles/{DEVELOPER.id}")
    assert "Save who holds it" not in mia.get(f"/roles/{DEVELOPER.id}")
    person = mia.get(f"/people/{ada.user_id}")
    assert "you can neither change nor remove them" in person
    assert "Save the roles" not in person
    mia.post(f"/people/{ada.user_id}/roles", 403, data={"role": [MEMBER.id]})
    mia.post(f"/people/{ada.user_id}/remove", 403, data={"typed": "ada@example.com"})
    path = make(mia, "Hers")
    refused = mia.post(f"{path}/policies", 403, data={"place": "services", "permission": [VIEW]})
    assert "You cannot give what you do not hold" in refused
    mia.post(f"{path}/policies", data={"effect": "DENY", "place": "services", "permission": [VIEW]})


def test_a_members_roles_change_and_the_member_is_removed(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    grace = enter(scene.operator, MEMBER, email="grace@example.com", name="Grace")
    path = f"/people/{grace.user_id}"
    assert f'href="{path}"' in ada.get("/people")
    ada.post(f"{path}/roles", data={"role": [DEVELOPER.id], "held": [MEMBER.id]})
    assert "Developer" in ada.get(path)
    grace.get("/services")
    assert "their address" in ada.post(f"{path}/remove", 400, data={"typed": "grace"})
    ada.post(f"{path}/remove", data={"typed": "Grace@example.com"})
    assert "They are not a member any more." in ada.get("/people?done=removed")
    assert grace.client.get("/services").headers["location"] == "/sign-in"
    ada.get(path, 404)


def test_nobody_takes_away_their_own_access(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    for act, form in (("remove", {"typed": "ada@example.com"}), ("roles", {"role": [MEMBER.id], "held": [ADMIN.id]})):
        assert "from yourself" in ada.post(f"/people/{ada.user_id}/{act}", 409, data=form)
    ada.get("/people")


def test_a_form_that_is_old_gives_back_nothing_that_was_taken_meanwhile(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    grace = enter(scene.operator, MEMBER, email="grace@example.com", name="Grace")
    path, held, other = make(ada), f"user/{grace.user_id}", f"user/{ada.user_id}"
    ada.post(f"{path}/holders", data={"holder": [held]})
    assert f'name="held" value="{held}"' in ada.get(path)
    ada.post(f"{path}/holders", data={"held": [held]})
    ada.post(f"{path}/holders", data={"holder": [held, other], "held": [held]})
    page = ada.get(path)
    assert f'name="held" value="{other}"' in page
    assert f'name="held" value="{held}"' not in page
    role = path.rpartition("/")[2]
    ada.post(f"/people/{grace.user_id}/roles", data={"role": [role, MEMBER.id], "held": [MEMBER.id]})
    ada.post(f"/people/{grace.user_id}/roles", data={"held": [role]})
    ada.post(f"/people/{grace.user_id}/roles", data={"role": [role], "held": [role]})
    assert f'name="held" value="{held}"' not in ada.get(path)


def test_the_question_why_is_answered_with_the_policy(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    grace = enter(scene.operator, MEMBER, email="grace@example.com", name="Grace")
    asked = f"/access?who=user/{grace.user_id}&permission="
    denied = ada.get(f"{asked}control-plane:service:manage")
    assert "no policy of their roles (Member) allows it" in denied
    allowed = ada.get(f"{asked}control-plane:organization:view")
    assert "policy 1 of the role Member allows it" in allowed
    assert f'href="/roles/{MEMBER.id}"' in allowed
    assert "There is no member" in ada.get("/access?who=eve@example.com&permission=control-plane:service:view", 404)
    assert "There is no permission" in ada.get(f"{asked}fly", 400)
    grace.get(f"{asked}control-plane:service:view", 403)
