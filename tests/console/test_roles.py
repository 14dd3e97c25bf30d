"""Nobody is shown, and nobody can do, what no role of theirs allows: all routes, all pages and all roles together.

What a route takes is not read from its code but from its answers: without which permission somebody who has all others
is refused. The golden file says so for each; the tests of what pages show compare them with it.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest
from fastapi.routing import APIRoute
from httpx import Response
from starlette.routing import Match

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN, BILLING, DEVELOPER, MEMBER, SYSTEM_ROLES
from stronghouse.audit import store as audit_store
from stronghouse.console.findings import Decision
from stronghouse.console.protection import REPORTS
from stronghouse.kernel.ids import new_id
from tests.console.conftest import BINDING, OURS, Enter, Visitor
from tests.console.test_every_page import ABSENT, FORM, PUBLIC, ROUTES, form_of
from tests.support.control_plane import Plane
from tests.support.furnished import furnish
from tests.support.roles import role_of, role_without
from tests.support.shown_acts import Offer, Walk, offers_of
from tests.unit.responsibility.findings.looks import Scene

GOLDEN = Path(__file__).parent.parent / "golden" / "console_matrix.txt"
ROLES = (MEMBER, BILLING, DEVELOPER, ADMIN)
"""Who may least first: whoever may act changes what those behind find."""
SINGLE = {one: role_of(f"only {one.value}", {one}) for one in Permission}
ALL_BUT = {one: role_without(one) for one in Permission}
ENDS = {"POST /sign-out", "POST /account/sign-out-everywhere"}
"""After these there is no session."""
ON_NO_PAGE = {
    "GET /sign-in": "the way in, before there is a page",
    "GET /sign-in/link": "the way in, from a mail or a terminal",
    "GET /sign-in/invitation": "the way in, from a mail",
    "POST /sign-in/invitation": "the form stands where nobody is signed in",
    "POST /sign-in/invitation/join": "where an invitation's link leads who is signed in",
    "POST /sign-in": "the form stands where nobody is signed in",
    "POST /sign-in/link": "the form stands where nobody is signed in",
    "POST /sign-in/second-factor": "the form stands where nobody is signed in",
    "POST /account/factors/app/remove": "only who has an app is shown it",
    "POST /sign-in/passkey": "the form stands where nobody is signed in",
    "POST /sign-in/passkey/challenge": "the script of the way in asks for it",
    "POST /account/factors/passkeys/offer": "the script asks for it when the form is sent",
    "POST /account/factors/passkeys/{passkey_id}/remove": "only who has a passkey is shown it",
    "POST /account/factors/proof": "the script sends it from where a proof is due",
    "POST /account/factors/proof/challenge": "the script asks for it where a proof is due",
    "POST /account/factors/codes": "only who has a second factor is shown it",
    "POST /session/renew": "the script of each page sends it by itself",
    "GET /runs/{run_id}": "where the form that starts a run leads",
    f"POST {REPORTS}": "browsers send it by themselves",
}
"""Why nobody who is signed in is shown these."""
FILLED = {"region": "local", "expiry": "30", "reason": "Known for long.", "entries": "::/0"}
"""With these some forms do what they are for, and not only say what is wrong with them."""
A_SESSION = "a session"
PUBLICLY = "public"


@dataclass(frozen=True)
class Act:
    """Something that can be asked of the console; `path` has places for ids."""

    method: str
    path: str
    route: APIRoute

    @property
    def name(self) -> str:
        """As the golden file calls it."""
        return f"{self.method} {self.path}"

    def at(self, ids: Mapping[str, str]) -> str:
        """Its address."""
        query = {"/sign-in/link": "?token=x", "/findings/{finding_id}/status": "?status=triaged"}.get(self.path, "")
        return self.path.format(session_id=ABSENT, passkey_id=ABSENT, **ids) + query

    def send(self, visitor: Visitor, ids: Mapping[str, str]) -> Response:
        """Ask for it, as a page of ours would."""
        form = form_of(self.route, {**BINDING, **FORM}) if self.method == "POST" else {}
        answer: Response = visitor.client.request(self.method, self.at(ids), headers=OURS, **form)
        return answer


def acts() -> Iterator[Act]:
    """Every route; one that decides is as many as there are decisions, which take different permissions."""
    for method, route in ROUTES:
        for decision in get_args(Decision) if "{decision}" in route.path else ("",):
            yield Act(method, route.path.replace("{decision}", decision), route)


ACTS = sorted(acts(), key=lambda act: (act.path, act.method))


def act_at(offer: Offer) -> str:
    """The name of what an offer leads to."""
    method, address = offer
    path = address.partition("?")[0]
    for known, route in ROUTES:
        match, found = route.matches({"type": "http", "path": path, "method": method})
        if match is Match.FULL and known == method:
            return f"{method} {route.path}".replace("{decision}", found["path_params"].get("decision", ""))
    raise AssertionError(f"{method} {address} leads nowhere.")


def is_refusal(answer: Response) -> bool:
    """Whether an act was refused because no role allows it, and not for another reason."""
    assert "The form was not filled in" not in answer.text, "FORM has not all fields that a route needs."
    refused = answer.status_code == 403 and "No role of yours allows this" in answer.text
    assert not refused or "<h1>Not allowed</h1>" in answer.text
    return refused


@pytest.fixture
def custom_roles() -> Iterator[None]:
    """Roles that have, or lack, just one permission, in every organization."""
    made = {role.id: role for role in (*SINGLE.values(), *ALL_BUT.values())}
    SYSTEM_ROLES.update(made)
    yield
    for one in made:
        del SYSTEM_ROLES[one]


@pytest.fixture
def ids(plane: Plane, scene: Scene) -> dict[str, str]:
    return furnish(plane, scene)


def may_of(permissions: Collection[Permission]) -> set[str]:
    """What is not refused to whoever has these permissions, as the golden file says."""
    rows = (re.split(r"  +", line) for line in GOLDEN.read_text().splitlines()[1:])
    held = {short(one) for one in permissions} | {PUBLICLY, A_SESSION}
    return {name for name, takes, _ in rows if held.issuperset(takes.split(" and "))}


def short(permission: Permission) -> str:
    return permission.value.removeprefix("control-plane:")


def size(plane: Plane) -> int:
    with plane.control.database.read() as connection:
        return audit_store.size(connection)


def codes_since(plane: Plane, index: int) -> list[str]:
    with plane.control.database.read() as connection:
        return [entry.code for entry in audit_store.entries(connection, start=index)]


def allowed(enter: Enter, scene: Scene, role: Role, ids: Mapping[str, str]) -> set[str]:
    """What is not refused to somebody with a role; a refusal does nothing but record that it was one."""
    email = f"{role.id}@example.com"
    visitor = enter(scene.operator, role, email=email)
    found = set()
    for act in sorted(ACTS, key=lambda act: (act.method, act.name in ENDS)):
        if act.name in ENDS:
            visitor = enter(scene.operator, role, email=f"{act.path.count('/')}-{email}")
        before = size(visitor.plane)
        answer = act.send(visitor, ids)
        assert act.name in ENDS or answer.headers.get("location") != "/sign-in", f"No session at {act.name}."
        if not is_refusal(answer):
            found.add(act.name)
        else:
            assert set(codes_since(visitor.plane, before)) <= {"access.deny"}, act.name
    return found


def test_the_matrix_of_roles_and_pages_is_the_golden_one(
    enter: Enter, scene: Scene, ids: dict[str, str], custom_roles: None
) -> None:
    """`make golden` rewrites the file; a change of it is a change of who may do what and is reviewed as one."""
    by_role = {role.name: allowed(enter, scene, role, ids) for role in ROLES}
    without = {one: allowed(enter, scene, role, ids) for one, role in ALL_BUT.items()}
    lines = [f"{'route':<70}  {'takes':<77}  roles"]
    for act in ACTS:
        takes = {one for one, names in without.items() if act.name not in names}
        holders = [role.name for role in reversed(ROLES) if act.name in by_role[role.name]]
        assert holders == [role.name for role in reversed(ROLES) if takes <= role.permissions], act.name
        anybody = PUBLICLY if act.path in PUBLIC else A_SESSION
        said = " and ".join(short(one) for one in Permission if one in takes) or anybody
        lines.append(f"{act.name:<70}  {said:<77}  {' '.join(holders)}")
    text = "\n".join(lines) + "\n"
    if os.environ.get("STRONGHOUSE_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text


def check_offers(answer: Response, may: Collection[str]) -> set[Offer]:
    """What an answer shows, all of which must be allowed."""
    offers = offers_of(answer)
    denied = sorted(f"{method} {to}" for method, to in offers if act_at((method, to)) not in may)
    assert denied == [], f"{answer.request.method} {answer.url.path} shows what is not allowed"
    return offers


def look_around(visitor: Visitor, may: Collection[str], start: Iterable[str], ids: Mapping[str, str]) -> set[Offer]:
    """Open pages, and what is linked from there, and so on; what they show is allowed, and what is allowed works."""
    walk, shown = Walk({*ids.values()}), set[Offer]()
    for address in start:
        walk.add(address, address)
    for address in walk:
        answer = visitor.client.get(address, headers=OURS)
        offers = check_offers(answer, may)
        if answer.status_code == 303:
            offers.add(("GET", answer.headers["location"]))
        else:
            assert answer.status_code == (200 if act_at(("GET", address)) in may else 403), (address, answer.text)
        shown |= offers
        for method, to in sorted(offers):
            if method == "GET":
                walk.add(to, act_at(("GET", to)))
    return shown


def ends_a_session(address: str) -> bool:
    return "sign-out" in address or "/sessions/" in address


def every_page(ids: Mapping[str, str]) -> list[str]:
    """The addresses of all pages, those that nothing links too."""
    return [act.at(ids) for act in ACTS if act.method == "GET" and act.path not in PUBLIC]


def send_all(visitor: Visitor, may: Collection[str], shown: Iterable[Offer]) -> set[str]:
    """Send forms: what the answers show is allowed too, and none is refused as not allowed. Where they led."""
    addresses = sorted(address for method, address in shown if method == "POST")
    led = set()
    for address in sorted(addresses, key=ends_a_session):
        answer = visitor.send(address, data={**FORM, **FILLED, "form_id": new_id()})
        assert answer.status_code not in {403, 500}, (address, answer.text)
        check_offers(answer, may)
        led |= {answer.headers["location"]} if answer.status_code == 303 else set()
        assert ends_a_session(address) or "/sign-in" not in led, address
    return led


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_pages_show_all_that_a_role_allows_and_nothing_else(
    enter: Enter, scene: Scene, ids: dict[str, str], role: Role
) -> None:
    may = may_of(role.permissions)
    visitor = enter(scene.operator, role)
    shown = look_around(visitor, may, ["/"], ids)
    assert sorted(may - {act_at(offer) for offer in shown} - set(ON_NO_PAGE)) == []
    shown |= look_around(visitor, may, every_page(ids), ids)
    led = send_all(visitor, may, shown)
    assert sorted(address for address in led if act_at(("GET", address)) not in may) == []


@pytest.mark.parametrize("permission", Permission)
def test_one_permission_alone_shows_no_act_beyond_it(
    enter: Enter, scene: Scene, ids: dict[str, str], custom_roles: None, permission: Permission
) -> None:
    role = SINGLE[permission]
    may = may_of(role.permissions)
    assert allowed(enter, scene, role, ids) == may
    visitor = enter(scene.operator, role)
    send_all(visitor, may, look_around(visitor, may, every_page(ids), ids))


@pytest.mark.parametrize("permission", Permission)
def test_without_one_permission_no_page_shows_what_takes_it(
    enter: Enter, scene: Scene, ids: dict[str, str], custom_roles: None, permission: Permission
) -> None:
    role = ALL_BUT[permission]
    may = may_of(role.permissions)
    visitor = enter(scene.operator, role)
    for address in every_page(ids):
        check_offers(visitor.client.get(address, headers=OURS), may)


def test_who_does_not_operate_the_installation_is_shown_no_form_that_is_refused(
    enter: Enter, scene: Scene, ids: dict[str, str]
) -> None:
    may = may_of(ADMIN.permissions)
    visitor = enter(scene.other, ADMIN)
    shown = look_around(visitor, may, ["/"], ids)
    assert ("POST", "/services/new") in shown
    send_all(visitor, may, shown)


def test_who_may_not_see_the_matrix_begins_at_the_first_page_that_they_may(
    enter: Enter, scene: Scene, custom_roles: None
) -> None:
    for role, first in ((MEMBER, "/people"), (SINGLE[Permission.BILLING_VIEW], "/account")):
        visitor = enter(scene.operator, role, email=f"{role.id}@example.com")
        home = visitor.client.get("/")
        assert (home.status_code, home.headers["location"], home.text) == (303, first, "")
        assert visitor.client.get(first).status_code == 200
