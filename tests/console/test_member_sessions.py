"""Who manages members sees where they are signed in, and can sign them out: two browsers, one of which loses access."""

import pytest

from stronghouse.access import people, store
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, DEVELOPER, SYSTEM_ROLES
from stronghouse.kernel.ids import new_id
from tests.console.conftest import Enter, Visitor
from tests.support.control_plane import CONTEXT, Plane
from tests.support.roles import role_of
from tests.unit.responsibility.findings.looks import Scene

BOB = "bob@example.com"


def sessions(plane: Plane, visitor: Visitor) -> list[str]:
    with plane.control.database.read() as connection:
        return [one.id for one in store.sessions_of(connection, visitor.user_id, plane.clock.now())]


def test_a_revoked_session_is_refused_on_its_next_request_and_another_one_is_not(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    ada, bob = enter(scene.operator), enter(scene.operator, DEVELOPER, email=BOB)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        token = people.issue_sign_in_link(uow, email=BOB, now=plane.clock.now())
        second = people.sign_in_with_link(uow, token=token, now=plane.clock.now())
    assert isinstance(second, people.NewSession)
    page = ada.get(f"/people/{bob.user_id}")
    assert "2 sessions are open" in page
    (his,) = set(sessions(plane, bob)) - {second.session.id}
    assert f"/people/{bob.user_id}/sessions/{his}/end" in page
    assert bob.get("/services")
    ada.post(f"/people/{bob.user_id}/sessions/{his}/end")
    assert bob.client.get("/services").headers["location"] == "/sign-in"
    assert bob.send("/services/new", data={"name": "x"}).headers["location"] == "/sign-in"
    assert sessions(plane, bob) == [second.session.id]
    assert ada.events()[-1] == "member.sessions_end"
    ada.post(f"/people/{bob.user_id}/sessions/{his}/end", 404)
    assert ada.get("/account")


def test_signing_a_member_out_everywhere_ends_links_too(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada, bob = enter(scene.operator), enter(scene.operator, DEVELOPER, email=BOB)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        unused = people.issue_sign_in_link(uow, email=BOB, now=plane.clock.now())
    ada.post(f"/people/{bob.user_id}/sessions/end")
    assert bob.client.get("/services").headers["location"] == "/sign-in"
    with plane.control.database.read() as connection:
        assert people.link_owner(connection, token=unused, now=plane.clock.now()) is None
    assert "signed in nowhere" in ada.get(f"/people/{bob.user_id}")


def test_nobody_ends_the_session_of_who_may_do_more_or_is_elsewhere(
    plane: Plane, enter: Enter, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, eve = enter(scene.operator), enter(scene.other, email="eve@example.com")
    clerk = role_of("Clerk", (Permission.MEMBERS_MANAGE, Permission.ORGANIZATION_VIEW))
    monkeypatch.setitem(SYSTEM_ROLES, clerk.id, clerk)
    bob = enter(scene.operator, clerk, email=BOB)
    (hers,), (theirs,) = sessions(plane, ada), sessions(plane, eve)
    page = bob.get(f"/people/{ada.user_id}")
    assert "/sessions/" not in page
    before = ada.events()
    assert "more than you" in bob.post(f"/people/{ada.user_id}/sessions/{hers}/end", 403)
    assert "more than you" in bob.post(f"/people/{ada.user_id}/sessions/end", 403)
    ada.post(f"/people/{eve.user_id}/sessions/{theirs}/end", 404)
    ada.post(f"/people/{eve.user_id}/sessions/end", 404)
    ada.post(f"/people/{bob.user_id}/sessions/{theirs}/end", 404)
    ada.post(f"/people/{bob.user_id}/sessions/{new_id()}/end", 404)
    assert set(ada.events()[len(before) :]) == {"access.deny"}
    assert ada.get("/account")
    assert eve.get("/account")
    assert ADMIN.permissions > clerk.permissions
