"""Findings over the API: who sees and changes which, page by page, and decisions that take two persons."""

from datetime import timedelta
from typing import Any

import pytest

from stronghouse.access import api_keys, people
from stronghouse.access.api_keys import KeyRequest
from stronghouse.access.model import Source
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN, DEVELOPER
from stronghouse.audit.event import SYSTEM, Actor, ActorType, Context
from stronghouse.kernel.clock import rfc3339
from stronghouse.responsibility.model import Severity
from tests.support.control_plane import Plane
from tests.unit.responsibility.findings.looks import DAY, Scene

Auth = tuple[str, str]


@pytest.fixture
def scene(plane: Plane) -> Scene:
    return Scene.start(plane.control.audit, plane.clock)


class Api:
    """Calls about an organization's findings."""

    def __init__(self, plane: Plane, organization_id: str, auth: Auth | None = None) -> None:
        self.plane, self.organization_id = plane, organization_id
        self.auth = auth or plane.admin(organization_id)

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The answer's body."""
        answer = self.plane.call(method, f"/organizations/{self.organization_id}/{path}", self.auth, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def found(self, query: str = "") -> list[str]:
        """Resources of the listed findings, in order."""
        return [one["resource"] for one in self.call("GET", f"findings{query}")["result"]]

    def ask(self, finding_id: str, status: int = 200, **changed: Any) -> Any:
        """Ask for a disposition."""
        end = rfc3339(self.plane.clock.now() + 20 * DAY)
        body = {"kind": "risk_accepted", "reason": "We know.", "expiresAt": end, **changed}
        return self.call("POST", f"findings/{finding_id}/dispositions", status, json=body)


def person_key(plane: Plane, organization_id: str, email: str, role: Role = ADMIN) -> Auth:
    """A key that a person made."""
    with plane.control.audit.unit_of_work(Context(SYSTEM)) as uow:
        user = people.create_member(
            uow, organization_id=organization_id, email=email, name="Ann", role_ids=(role.id,), now=plane.clock.now()
        )
    with plane.control.audit.unit_of_work(Context(Actor(ActorType.USER, user.id, email))) as uow:
        request = KeyRequest(name="own", role_ids=(role.id,), ip_access=(Source("127.0.0.0/8"),))
        made = api_keys.create_key(uow, request, organization_id=organization_id, creator=None, now=plane.clock.now())
    assert made.key_id is not None
    assert made.key_secret is not None
    return made.key_id.reveal(), made.key_secret.reveal()


def test_each_organization_sees_its_own_findings_and_the_installations(plane: Plane, scene: Scene) -> None:
    scene.look_at({None: {"all": "F"}, scene.operator: {"mine": "F"}, scene.other: {"theirs": "F"}})
    mine, theirs = Api(plane, scene.operator), Api(plane, scene.other)
    assert set(mine.found()) == {"all", "mine"}
    assert set(theirs.found()) == {"all", "theirs"}
    hidden = scene.id_of("theirs", scene.other)
    for method, path, body in [
        ("GET", f"findings/{hidden}", None),
        ("PATCH", f"findings/{hidden}", {"status": "triaged"}),
        ("POST", f"findings/{hidden}/dispositions/{'0' * 8}-0000-4000-8000-{'0' * 12}/approve", {}),
    ]:
        answer = mine.call(method, path, 404, json=body)
        absent = mine.call(method, path.replace(hidden, "0" * 64), 404, json=body)
        assert answer["error"] == absent["error"]
    mine.ask(hidden, 404)


def test_the_installations_findings_are_changed_by_its_operator_only(plane: Plane, scene: Scene) -> None:
    scene.look(a="F")
    mine, theirs = Api(plane, scene.operator), Api(plane, scene.other)
    path = f"findings/{scene.id_of('a')}"
    assert theirs.call("GET", path)["result"]["scope"] == "installation"
    theirs.call("PATCH", path, 403, json={"status": "triaged"})
    theirs.ask(scene.id_of("a"), 403)
    assert mine.call("PATCH", path, json={"status": "triaged"})["result"]["status"] == "triaged"
    held = mine.ask(scene.id_of("a"))["result"]["id"]
    for act in ("approve", "withdraw"):
        theirs.call("POST", f"{path}/dispositions/{held}/{act}", 403, json={})
    mine.call("POST", f"{path}/dispositions/{held}/withdraw", json={})


def test_pages_go_through_everything_once_worst_first(plane: Plane, scene: Scene) -> None:
    for severity in (Severity.LOW, Severity.CRITICAL):
        scene.graver(severity)
        scene.meta = scene.meta.__class__(**{**scene.meta.__dict__, "id": f"check_{severity.value}"})
        scene.look(scene.operator, **{f"{severity.value}{number}": "F" for number in range(7)})
    api, seen, cursor = Api(plane, scene.operator), [], ""
    while True:
        page = api.call("GET", f"findings?limit=4{cursor}")
        seen += [one["severity"] for one in page["result"]]
        if "nextCursor" not in page:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == ["critical"] * 7 + ["low"] * 7
    for wrong in ("x", "1.2", "1.99999999999999999999.a", "99999999999999999999.1.a", "a.b.c"):
        api.call("GET", f"findings?cursor={wrong}", 400)


def test_filters_narrow_the_list(plane: Plane, scene: Scene) -> None:
    scene.look(scene.operator, a="F", b="F", c="F")
    scene.look(scene.operator, a="F", b="F", c="P")
    api = Api(plane, scene.operator)
    api.ask(scene.id_of("a", scene.operator))
    assert sorted(api.found()) == ["a", "b"]
    assert api.found("?status=resolved") == ["c"]
    assert sorted(api.found("?status=resolved&status=open")) == ["a", "b", "c"]
    assert api.found("?resource=b") == ["b"]
    assert api.found("?severity=low") == []
    assert sorted(api.found("?severity=medium&check=rest_files_encrypted")) == ["a", "b"]
    assert sorted(api.found("?row=platform.rest")) == ["a", "b"]
    assert api.found("?row=assess.pentest") == []
    assert api.found("?disposition=none") == ["b"]
    assert api.found("?disposition=in_force") == api.found("?disposition=risk_accepted") == ["a"]
    assert api.found("?disposition=requested") == api.found("?disposition=suppressed") == []
    for wrong in ("row=nothing", "severity=bad", "status=bad", "disposition=bad", "limit=0"):
        api.call("GET", f"findings?{wrong}", 400)


def test_detail_tells_what_happened_and_who_did_it(plane: Plane, scene: Scene) -> None:
    scene.look(scene.operator, a="F")
    api = Api(plane, scene.operator)
    person_key(plane, scene.operator, "ann@example.com")
    finding_id = scene.id_of("a", scene.operator)
    due = rfc3339(plane.clock.now() + DAY)
    changed = api.call(
        "PATCH",
        f"findings/{finding_id}",
        json={"status": "in_progress", "assignee": "ann@example.com", "dueAt": due},
    )["result"]
    assert (changed["status"], changed["assignee"]["name"], changed["dueAt"]) == ("in_progress", "Ann", due)
    api.ask(finding_id)
    shown = api.call("GET", f"findings/{finding_id[:12]}")["result"]
    assert [step["what"] for step in shown["history"]] == ["disposition_begin", "update", "open"]
    assert [step["actor"]["type"] for step in shown["history"]] == ["api", "api", "system"]
    assert "assignee: ann@example.com" in shown["history"][1]["note"]
    assert shown["dispositions"][0]["state"] == "in_force"
    assert shown["disposition"]["covers"] is True
    plane.clock.advance(timedelta(days=20))
    shown = api.call("GET", f"findings/{finding_id}")["result"]
    assert (shown["dispositions"][0]["state"], shown["dispositions"][0]["endedBecause"]) == ("ended", "expired")
    assert shown["disposition"] is None
    assert api.call("PATCH", f"findings/{finding_id}", json={"assignee": None})["result"]["assignee"] is None


def test_grave_findings_take_two_persons_whatever_keys_they_hold(plane: Plane, scene: Scene) -> None:
    scene.graver(Severity.CRITICAL)
    scene.look(scene.operator, a="F")
    finding_id = scene.id_of("a", scene.operator)
    first = Api(plane, scene.operator, person_key(plane, scene.operator, "ann@example.com"))
    second = Api(plane, scene.operator, person_key(plane, scene.operator, "ben@example.com"))
    nobodys = Api(plane, scene.operator)
    assert "nobody knows" in nobodys.ask(finding_id, 403)["error"]
    asked = first.ask(finding_id)["result"]
    assert (asked["state"], asked["approver"]) == ("requested", None)
    made = first.call(
        "POST",
        "keys",
        json={"name": "again", "assignedRoleIds": [ADMIN.id], "ipAccessList": [{"source": "127.0.0.0/8"}]},
    )["result"]
    again = Api(plane, scene.operator, (made["keyId"], made["keySecret"]))
    path = f"findings/{finding_id}/dispositions/{asked['id']}"
    for other in (first, again, nobodys):
        other.call("POST", f"{path}/approve", 403, json={})
    assert second.call("POST", f"{path}/approve", json={})["result"]["state"] == "in_force"
    second.call("POST", f"{path}/decline", 409, json={"reason": "No."})


def test_declined_request_covers_nothing(plane: Plane, scene: Scene) -> None:
    scene.graver(Severity.HIGH)
    scene.look(scene.operator, a="F")
    finding_id = scene.id_of("a", scene.operator)
    first = Api(plane, scene.operator, person_key(plane, scene.operator, "ann@example.com", DEVELOPER))
    asked = first.ask(finding_id)["result"]
    path = f"findings/{finding_id}/dispositions/{asked['id']}"
    first.call("POST", f"{path}/approve", 403, json={})
    first.call("POST", f"{path}/decline", 403, json={"reason": "No."})
    declined = Api(plane, scene.operator).call("POST", f"{path}/decline", json={"reason": "No."})["result"]
    assert declined["state"] == "declined"
    assert first.found("?disposition=none") == ["a"]


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "whatever"},
        {"reason": ""},
        {"reason": "a\nb"},
        {"expiresAt": None},
        {"expiresAt": "never"},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"expiresAt": "9999-12-31T23:59:59-23:00"},
        {"kind": "duplicate"},
    ],
)
def test_request_that_lacks_something_is_refused(plane: Plane, scene: Scene, changed: dict[str, Any]) -> None:
    scene.look(scene.operator, a="F")
    assert "Traceback" not in str(Api(plane, scene.operator).ask(scene.id_of("a", scene.operator), 400, **changed))


def test_accountable_member_of_a_row_is_shown_in_the_matrix(plane: Plane, scene: Scene) -> None:
    api = Api(plane, scene.operator)
    person_key(plane, scene.operator, "ann@example.com")
    person_key(plane, scene.other, "eve@example.com")
    path = "responsibilities/assess.pentest/accountable"
    named = api.call("PUT", path, json={"member": "ann@example.com"})["result"]
    assert (named["name"], named["email"]) == ("Ann", "ann@example.com")

    def shown(organization_id: str) -> Any:
        rows = Api(plane, organization_id).call("GET", "responsibilities")["result"]["rows"]
        return {row["id"]: row["accountable"] for row in rows}["assess.pentest"]

    assert shown(scene.operator) == named
    assert shown(scene.other) is None
    api.call("PUT", path, 400, json={"member": "eve@example.com"})
    api.call("PUT", "responsibilities/nothing/accountable", 404, json={"member": named["userId"]})
    api.call("DELETE", path)
    api.call("DELETE", path)
    assert shown(scene.operator) is None
    events = api.call("GET", "auditLog")["result"]
    assert [event["code"] for event in events].count("responsibility.accountable_change") == 2


def test_others_than_the_operator_learn_by_id_only_who_decides_about_the_installation(
    plane: Plane, scene: Scene
) -> None:
    scene.look(a="F")
    finding_id = scene.id_of("a")
    mine = Api(plane, scene.operator, person_key(plane, scene.operator, "ann@example.com"))
    mine.ask(finding_id)
    own = mine.call("GET", f"findings/{finding_id}")["result"]
    theirs = Api(plane, scene.other).call("GET", f"findings/{finding_id}")["result"]
    assert {one["author"]["details"] for one in own["dispositions"]} == {"own"}
    assert {one["author"]["details"] for one in theirs["dispositions"]} == {""}
    assert {step["actor"]["details"] for step in theirs["history"]} == {""}
    assert [one["author"]["id"] for one in theirs["dispositions"]] == [
        one["author"]["id"] for one in own["dispositions"]
    ]


def test_what_people_do_about_the_installation_stands_in_the_operators_log(plane: Plane, scene: Scene) -> None:
    scene.look(a="F")
    operator = Api(plane, scene.operator)
    operator.call("PATCH", f"findings/{scene.id_of('a')}", json={"status": "triaged"})
    log = plane.call("GET", f"/organizations/{scene.operator}/auditLog", operator.auth).json()["result"]
    assert "finding.update" in {event["code"] for event in log}
    other = Api(plane, scene.other)
    log = plane.call("GET", f"/organizations/{scene.other}/auditLog", other.auth).json()["result"]
    assert "finding.update" not in {event["code"] for event in log}
