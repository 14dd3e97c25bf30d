"""The people of an organization: who is listed, for whom, and what only some may see of the others."""

import re

from stronghouse.access import people
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import BILLING, DEVELOPER, MEMBER
from tests.console.conftest import Enter, assert_only_our_scripts
from tests.support.control_plane import CONTEXT, Plane
from tests.unit.responsibility.findings.looks import Scene

MARK = "<b>alert(1)</b>"


def listed(page: str) -> list[str]:
    return re.findall(r'data-label="E-mail address"><bdi>([^<]+)</bdi>', page)


def add(plane: Plane, organization_id: str, email: str, name: str = "") -> None:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        people.create_member(
            uow,
            organization_id=organization_id,
            email=email,
            name=name,
            role_ids=(BILLING.id,),
            now=plane.clock.now(),
        )


def test_members_are_listed_with_their_roles_and_sessions(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    add(plane, scene.operator, "eve@example.com", MARK)
    add(plane, scene.other, "theirs@example.com")
    page = ada.get("/people")
    assert_only_our_scripts(page)
    assert listed(page) == ["ada@example.com", "eve@example.com"]
    assert "<bdi>&lt;b&gt;alert(1)&lt;/b&gt;</bdi>" in page
    assert "2 people" in page
    (row,) = re.findall(r'<tr><th scope="row"><a href="/people/[^"]+"><bdi>Ada</bdi>.*?</tr>', page)
    for cell in (">Admin<", ">one-time links only<", 'data-label="Open sessions">1<'):
        assert cell in row
    assert "stronghouse member add grace@example.com --name Grace --role Developer" in page
    assert f"/v1/organizations/{scene.operator}/members" in page


def test_how_people_sign_in_is_for_who_manages_the_organization(enter: Enter, scene: Scene) -> None:
    enter(scene.operator)
    for role in (MEMBER, DEVELOPER):
        page = enter(scene.operator, role, email=f"{role.name.lower()}@example.com", name=role.name).get("/people")
        assert "ada@example.com" in page
        for hidden in ("Signs in with", "Open sessions", "Last seen", "one-time links only"):
            assert hidden not in page
        assert Permission.ORGANIZATION_MANAGE.value in page


def test_people_are_found_by_text_and_role(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    add(plane, scene.operator, "grace@example.com", "Grace Hopper")
    page = ada.get("/people?q=HOPPER")
    assert listed(page) == ["grace@example.com"]
    assert "1 of 2 people" in page
    assert listed(ada.get("/people?role=Admin&q=")) == ["ada@example.com"]
    nobody = ada.get("/people?q=nobody")
    assert ("Nobody matches" in nobody, "Show everybody" in nobody) == (True, True)
    ada.get(f"/people?q={'x' * 400}", 400)


def test_many_people_are_on_several_pages(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator, name="Zed")
    for number in range(100):
        add(plane, scene.operator, f"p{number:03}@example.com", "Person")
    found: list[str] = []
    address, page = "/people?role=Billing", ""
    while address:
        page = ada.get(address)
        assert len(listed(page)) == 50
        found += listed(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert found == [f"p{number:03}@example.com" for number in range(100)]
    assert "100 of 101 people" in page
    assert 'rel="prev" href="/people?role=Billing"' in page
