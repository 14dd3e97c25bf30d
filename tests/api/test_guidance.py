"""Guidance over the API: comparisons, plans, acts, declined advice, tasks, and who may see and do what."""

from datetime import timedelta
from typing import Any

import pytest

from stronghouse.access import authentication, people
from stronghouse.access import store as access
from stronghouse.access.model import Source, User
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, DEVELOPER, MEMBER
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict
from stronghouse.kernel.secret import Secret
from stronghouse.notifications import store as notifications
from stronghouse.notifications.model import Channel, Kind, Level, Mode
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.collectors.guidance import collect_guidance
from stronghouse.responsibility.documents import store as documents
from stronghouse.responsibility.documents.model import Provider
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import Resource
from stronghouse.responsibility.findings import store as findings
from stronghouse.responsibility.findings.model import FindingStatus
from stronghouse.responsibility.guidance import actions
from stronghouse.responsibility.guidance.comparison import Controls
from stronghouse.responsibility.guidance.model import Caller
from stronghouse.responsibility.model import ResultState
from tests.support.control_plane import CONTEXT, HERE, Plane

Auth = tuple[str, str]
FAR = "203.0.113.0/24"


class Organization:
    """An organization with an administrator's key, and shortcuts to its guidance."""

    def __init__(self, plane: Plane, name: str = "Example") -> None:
        self.plane = plane
        self.id = plane.organization(name)
        self.auth = plane.admin(self.id)
        self.path = f"/organizations/{self.id}"

    def call(self, method: str, path: str, *, auth: Auth | None = None, status: int = 200, **options: Any) -> Any:
        answer = self.plane.call(method, f"{self.path}{path}", auth or self.auth, **options)
        assert answer.status_code == status, answer.text
        return answer.json()["result"] if status == 200 else answer.json()["error"]

    def compare(self, profile: str = "baseline", **options: Any) -> Any:
        return self.call("GET", f"/guidance/{profile}", **options)

    def differences(self, profile: str = "baseline", **options: Any) -> dict[str, Any]:
        return {one["id"]: one for one in self.compare(profile, **options)["differences"]}

    def of(self, setting: str, profile: str = "baseline", **options: Any) -> list[Any]:
        return [one for one in self.differences(profile, **options).values() if one["setting"] == setting]

    def apply(self, *planned: Any, profile: str = "baseline", tasks: bool = False, **options: Any) -> Any:
        acts = [{"id": one["id"], "before": one["plan"]["beforeHash"]} for one in planned]
        return self.call("POST", f"/guidance/{profile}/apply", json={"acts": acts, "tasks": tasks}, **options)

    def service(self, *sources: str) -> str:
        entries = [{"source": source, "description": "test"} for source in sources]
        made = self.call("POST", "/services", json={"name": "warehouse", "ipAccessList": entries})
        return str(made["service"]["id"])

    def sources(self, service_id: str) -> list[str]:
        return [entry["source"] for entry in self.call("GET", f"/services/{service_id}")["ipAccessList"]]

    def other_key(self, **request: Any) -> str:
        """The resource id of another administrator's key."""
        before = {key["id"] for key in self.call("GET", "/keys")}
        self.plane.key(self.id, ADMIN, **request)
        (new,) = {key["id"] for key in self.call("GET", "/keys")} - before
        return str(new)

    def codes(self) -> list[str]:
        return [event["code"] for event in self.call("GET", "/auditLog")]


@pytest.fixture
def own(plane: Plane) -> Organization:
    return Organization(plane)


def facts_of(plane: Plane, organization_id: str) -> Resource:
    with plane.control.database.read() as connection:
        facts = collect_guidance(
            connection, profiles=plane.control.profiles, controls=controls(plane), clock=plane.clock
        )
    (found,) = [one for one in facts.resources if one.organization_id == organization_id]
    return found


def controls(plane: Plane) -> Controls:
    with plane.control.database.read() as connection:
        return Controls(plane.control.catalogue, [region.id for region in find_regions(connection)])


def verdict(plane: Plane, organization_id: str, check_id: str) -> tuple[ResultState, str]:
    with plane.control.database.read() as connection:
        facts = collect_guidance(
            connection, profiles=plane.control.profiles, controls=controls(plane), clock=plane.clock
        )
    results = evaluate(plane.control.catalogue.checks[check_id], facts)
    return next((one.state, one.reason) for one in results if one.resource == f"guidance/{organization_id}")


def test_a_permissive_setup_differs_and_each_difference_says_why_and_what_it_costs(own: Organization) -> None:
    service = own.service("0.0.0.0/0", "10.1.2.3")
    found = own.differences()
    assert f"service.access.widest/service/{service}" in found
    assert {"key.expiry.days", "service.access.widest", "control"} <= {one["setting"] for one in found.values()}
    for one in found.values():
        assert one["why"]
        assert one["costs"]
        assert one["remediation"]
        assert one["act"] == ("person" if one["plan"] is None else "apply")


def test_a_strict_setup_differs_in_nothing_that_can_be_set(own: Organization) -> None:
    own.service("192.0.2.7/32")
    soon = own.plane.clock.now() + timedelta(days=80)
    for key in own.call("GET", "/keys"):
        own.call("PATCH", f"/keys/{key['id']}", json={"expireAt": rfc3339(soon)})
    for_people = {"control", "organization.accountable", "organization.notified", "service.region.hosting"}
    assert {one["setting"] for one in own.differences("card-data").values()} == for_people
    assert {one["id"] for one in own.compare("card-data")["followed"]} >= {"service.access.widest", "key.expiry.days"}


def test_the_plan_says_exactly_what_is_lost(own: Organization) -> None:
    own.service("0.0.0.0/0", "10.1.2.3")
    (planned,) = own.of("service.access.widest")
    plan = planned["plan"]
    assert [entry["source"] for entry in plan["before"]] == ["0.0.0.0/0", "10.1.2.3"]
    assert [entry["source"] for entry in plan["after"]] == ["10.1.2.3"]
    assert any("0.0.0.0/0 (test) can no longer reach warehouse" in lost for lost in plan["loses"])


def test_apply_changes_exactly_that_and_twice_changes_nothing_more(own: Organization) -> None:
    service = own.service("0.0.0.0/0", "127.0.0.0/8", "10.1.2.3")
    (planned,) = own.of("service.access.widest")
    assert own.apply(planned)["acts"] == [{"id": planned["id"], "changed": True}]
    assert own.sources(service) == ["127.0.0.0/8", "10.1.2.3"]
    assert own.plane.jobs.notified[-1] == "local"
    codes = own.codes()
    assert {"guidance.advice_apply", "service.ip_access_change"} <= set(codes)
    assert own.apply(planned)["acts"] == [{"id": planned["id"], "changed": False}]
    assert own.codes() == codes
    assert own.of("service.access.widest") == []


def test_two_acts_on_one_list_follow_each_other(own: Organization) -> None:
    service = own.service("0.0.0.0/0", FAR, "127.0.0.1")
    planned = [*own.of("service.access.widest", "air-gapped"), *own.of("service.access.private", "air-gapped")]
    assert len(planned) == 2
    own.apply(*planned, profile="air-gapped")
    assert own.sources(service) == ["127.0.0.1"]


@pytest.mark.parametrize("block", ["0.0.0.0/1", "128.0.0.0/1", "8.8.8.8", "::/0", "2000::/3", FAR])
def test_what_reaches_beyond_private_ranges_is_public(own: Organization, block: str) -> None:
    own.service(block, "10.0.0.0/16", "192.168.7.0/24", "fd00::/48", "127.0.0.0/8", "100.64.0.0/16")
    (planned,) = own.of("service.access.private", "air-gapped")
    assert {entry["source"] for entry in planned["plan"]["before"]} - {
        entry["source"] for entry in planned["plan"]["after"]
    } == {block}


def test_a_stale_plan_is_refused_by_name_and_nothing_is_begun(own: Organization) -> None:
    service = own.service("0.0.0.0/0", "127.0.0.1")
    other = own.other_key()
    (wide,) = own.of("service.access.widest")
    expiry = next(one for one in own.of("key.expiry.days") if one["resource"] == f"key/{other}")
    own.call("PATCH", f"/services/{service}", json={"ipAccessList": {"add": [{"source": "10.0.0.9"}]}})
    assert wide["id"] in own.apply(expiry, wide, status=409)
    assert own.sources(service) == ["0.0.0.0/0", "127.0.0.1", "10.0.0.9"]
    assert own.call("GET", f"/keys/{other}")["expireAt"] is None
    own.apply(*own.of("service.access.widest"))
    assert own.sources(service) == ["127.0.0.1", "10.0.0.9"]


def test_a_region_is_told_of_what_was_done_although_the_next_act_is_refused(own: Organization) -> None:
    own.service("0.0.0.0/0", "127.0.0.1")
    own.service("0.0.0.0/0", "127.0.0.1")
    plane, control = own.plane, own.plane.control
    planned = own.of("service.access.widest")
    acts = [actions.Act(one["id"], one["plan"]["beforeHash"]) for one in planned]
    with control.database.read() as connection:
        found = authentication.authenticate_key(
            connection, key_id=own.auth[0], key_secret=Secret(own.auth[1]), address=HERE, now=plane.clock.now()
        )
    told: list[str] = []

    def changed(region: str) -> None:
        told.append(region)  # and somebody else is quicker with the other service
        other = planned[1]["resource"].removeprefix("service/")
        own.call("PATCH", f"/services/{other}", json={"ipAccessList": {"add": [{"source": "10.0.0.9"}]}})

    order = actions.Order(own.id, control.profiles["baseline"], acts, Caller(found.principal, HERE))
    with pytest.raises(Conflict):
        actions.apply_acts(
            control.audit, CONTEXT, order, controls=controls(plane), now=plane.clock.now, changed=changed
        )
    assert told == ["local"]
    assert [one["id"] for one in own.of("service.access.widest")] == [planned[1]["id"]]


def test_a_key_gets_an_end_and_the_plan_is_the_same_all_day(own: Organization) -> None:
    other = own.other_key()
    planned = next(one for one in own.of("key.expiry.days") if one["resource"] == f"key/{other}")
    own.plane.clock.advance(timedelta(hours=5))
    own.apply(planned)
    assert own.call("GET", f"/keys/{other}")["expireAt"] == "2027-11-23T00:00:00.000Z" == planned["plan"]["after"]
    assert "API key test" in planned["plan"]["loses"][0]
    assert "never used" in planned["plan"]["loses"][0]


def test_an_unused_key_is_switched_off_and_a_used_one_is_not(own: Organization) -> None:
    idle = own.other_key()
    own.plane.clock.advance(timedelta(days=181))
    (planned,) = own.of("key.unused.days")
    assert planned["resource"] == f"key/{idle}"
    own.apply(planned)
    assert own.call("GET", f"/keys/{idle}")["state"] == "disabled"


def test_nobody_locks_themselves_out(own: Organization) -> None:
    own.service("0.0.0.0/0")
    (service,) = own.of("service.access.widest")
    (key,) = own.of("key.expiry.days")
    for planned, word in ((service, HERE), (key, "makes this request")):
        assert word in planned["plan"]["refusedBecause"]
        assert word in own.apply(planned, status=409)
    assert own.of("key.expiry.days") == [key]
    assert "guidance.advice_apply" not in own.codes()


def test_ones_own_key_is_not_narrowed_to_where_one_is_not(own: Organization) -> None:
    auth = own.plane.key(own.id, ADMIN, ip_access=(Source("0.0.0.0/0"), Source("10.0.0.0/24")))
    (planned,) = own.of("key.access.widest", auth=auth)
    assert "your address" in planned["plan"]["refusedBecause"]
    assert "your address" in own.apply(planned, auth=auth, status=409)
    own.apply(planned)  # another key may
    assert own.plane.call("GET", f"{own.path}/keys", auth).status_code == 403


def test_each_act_needs_the_permission_that_the_same_change_by_hand_needs(own: Organization) -> None:
    service = own.service("0.0.0.0/0", "127.0.0.1")
    other = own.other_key()
    developer = own.plane.key(own.id, DEVELOPER)
    seen = own.differences(auth=developer)
    key, wide = own.differences()[f"key.expiry.days/key/{other}"], seen[f"service.access.widest/service/{service}"]
    assert not [one for one in seen if "/key/" in one], "who may not see keys is shown none"
    assert wide["plan"]["refusedBecause"] is None
    assert Permission.API_KEYS_UPDATE.value in own.apply(wide, key, auth=developer, status=403)
    assert own.sources(service) == ["0.0.0.0/0", "127.0.0.1"]
    own.apply(wide, auth=developer)
    assert own.sources(service) == ["127.0.0.1"]
    member = own.plane.key(own.id, MEMBER)
    own.apply(wide, auth=member, status=403)


def test_what_is_no_act_is_refused(own: Organization) -> None:
    control = next(one for one in own.differences().values() if one["setting"] == "control")
    own.plane.key(own.id, ADMIN)
    body = {"acts": [{"id": control["id"], "before": "0"}]}
    assert "no act" in own.call("POST", "/guidance/baseline/apply", json=body, status=400)
    twice = {"acts": [{"id": "key.expiry.days/key/x", "before": "0"}] * 2}
    assert "twice" in own.call("POST", "/guidance/baseline/apply", json=twice, status=400)
    assert "no profile" in own.compare("nothing", status=404)


def decline(
    own: Organization, advice: str, *, days: int = 30, reason: str = "Replaced next month.", **more: Any
) -> Any:
    until = rfc3339(own.plane.clock.now() + timedelta(days=days))
    return own.call(
        "POST", "/guidance/baseline/declined", json={"advice": advice, "reason": reason, "until": until}, **more
    )


def test_declined_advice_is_listed_for_ever_and_ends_by_the_clock(own: Organization) -> None:
    (planned,) = own.of("key.expiry.days")
    decline(own, "key.expiry.days")
    decline(own, "control")
    grave = {"critical", "high"}  # a decline by one person does not count for these
    assert {one["state"] for one in own.differences().values() if one["severity"] not in grave} == {"declined"}
    assert {one["state"] for one in own.differences().values() if one["severity"] in grave} == {"open"}
    own.plane.clock.advance(timedelta(days=30))
    assert {one["state"] for one in own.differences().values()} == {"open"}
    listed = own.call("GET", "/guidance/baseline/declined")
    assert sorted(one["advice"] for one in listed) == ["control", "key.expiry.days"]
    assert not any(one["inForce"] for one in listed)
    first = own.plane.call("GET", f"{own.path}/guidance/baseline/declined?limit=1", own.auth).json()
    rest = own.call("GET", f"/guidance/baseline/declined?limit=1&cursor={first['nextCursor']}")
    assert [first["result"][0]["id"], rest[0]["id"]] == [one["id"] for one in listed]
    assert own.codes().count("guidance.advice_decline") == 2
    decline(own, planned["id"], days=1)
    assert own.of("key.expiry.days")[0]["declined"]["reason"] == "Replaced next month."


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"days": 366}, "365"),
        ({"days": 0}, "365"),
        ({"reason": "no"}, "reason"),
        ({"reason": " " * 20}, "reason"),
        ({"advice": "key.colour"}, "no advice"),
        ({"advice": "control/console.tde.used"}, "no advice"),
    ],
)
def test_declining_needs_a_reason_a_date_and_advice(own: Organization, changed: dict[str, Any], word: str) -> None:
    assert word in decline(own, **{"advice": "key.expiry.days", "status": 400, **changed})


def test_choosing_is_recorded_once_and_needs_its_permission(own: Organization) -> None:
    assert own.call("GET", "/guidance")["chosen"] is None
    assert verdict(own.plane, own.id, "guidance_profile_chosen")[0] is ResultState.FAIL
    assert verdict(own.plane, own.id, "guidance_advice_followed")[0] is ResultState.NOT_APPLICABLE
    for _ in range(2):
        own.call("PUT", "/guidance", json={"profile": "baseline"})
    assert own.call("GET", "/guidance")["chosen"]["profile"] == "baseline"
    assert own.compare()["chosen"]
    assert own.codes().count("guidance.profile_choose") == 1
    assert verdict(own.plane, own.id, "guidance_profile_chosen")[0] is ResultState.PASS
    developer = own.plane.key(own.id, DEVELOPER)
    own.call("PUT", "/guidance", json={"profile": "development"}, auth=developer, status=403)
    own.call("PUT", "/guidance", json={"profile": "nothing"}, status=404)


def test_the_rest_becomes_tasks_that_are_findings_and_close_when_their_difference_is_gone(own: Organization) -> None:
    own.call("PUT", "/guidance", json={"profile": "baseline"})
    state, reason = verdict(own.plane, own.id, "guidance_advice_followed")
    assert (state, "key.expiry.days/" in reason) == (ResultState.FAIL, True)
    opened = own.apply(tasks=True)["tasksOpened"]
    assert set(opened) == set(own.differences())
    assert own.apply(tasks=True)["tasksOpened"] == []
    assert verdict(own.plane, own.id, "guidance_advice_followed")[0] is ResultState.PASS
    (expiry,) = own.of("key.expiry.days")
    assert expiry["state"] == "task"
    (key,) = own.call("GET", "/keys")
    own.call("PATCH", f"/keys/{key['id']}", json={"expireAt": rfc3339(own.plane.clock.now() + timedelta(days=360))})
    closed = actions.close_everywhere(
        own.plane.control.audit,
        CONTEXT,
        own.plane.control.profiles,
        controls=controls(own.plane),
        now=own.plane.clock.now(),
    )
    assert closed == 1
    with own.plane.control.database.read() as connection:
        finding = findings.find(connection, expiry["task"]["findingId"])
    assert finding is not None
    assert (finding.source, finding.status, finding.organization_id) == ("guidance", FindingStatus.RESOLVED, own.id)
    assert "guidance.task_close" in own.codes()


def test_a_task_out_of_time_counts_as_unanswered(own: Organization) -> None:
    own.call("PUT", "/guidance", json={"profile": "baseline"})
    own.apply(tasks=True)
    own.plane.clock.advance(timedelta(days=91))
    assert "overdue" in {one["state"] for one in own.differences().values()}
    assert verdict(own.plane, own.id, "guidance_advice_followed")[0] is ResultState.FAIL


def test_another_choice_and_declining_close_tasks(own: Organization) -> None:
    own.apply(tasks=True)
    decline(own, "key.expiry.days")
    assert own.codes().count("guidance.task_close") == 1
    own.call("PUT", "/guidance", json={"profile": "development"})
    assert own.codes().count("guidance.task_close") == own.codes().count("guidance.task_open")


def test_another_organization_sees_nothing_of_it(own: Organization) -> None:
    service = own.service("0.0.0.0/0", "127.0.0.1")
    (wide,) = own.of("service.access.widest")
    own.call("PUT", "/guidance", json={"profile": "card-data"})
    decline(own, "key.expiry.days")
    other = Organization(own.plane, "Other")
    assert other.call("GET", "/guidance")["chosen"] is None
    assert other.call("GET", "/guidance/baseline/declined") == []
    assert not {one["resource"] for one in other.differences().values()} & {wide["resource"]}
    assert other.apply(wide)["acts"] == [{"id": wide["id"], "changed": False}]
    assert own.sources(service) == ["0.0.0.0/0", "127.0.0.1"]
    assert facts_of(own.plane, other.id).optional_text("profile") is None
    assert facts_of(own.plane, own.id).text("profile") == "card-data"


def test_a_stopped_service_is_closed_and_an_undescribed_entry_is_for_people(own: Organization) -> None:
    service = own.service("192.0.2.7")
    own.call("PATCH", f"/services/{service}", json={"ipAccessList": {"add": [{"source": "192.0.2.8"}]}})
    (bare,) = own.of("service.access.described", "card-data")
    assert (bare["act"], "192.0.2.8" in bare["is"]) == ("person", True)
    assert own.of("service.stopped.closed", "card-data") == []
    own.call("PATCH", f"/services/{service}/state", json={"command": "stop"})
    (stopped,) = own.of("service.stopped.closed", "card-data")
    assert any("Nobody can reach" in lost for lost in stopped["plan"]["loses"])
    own.apply(stopped, profile="card-data")
    assert own.sources(service) == []


def member(own: Organization) -> User:
    with own.plane.control.audit.unit_of_work(CONTEXT) as uow:
        return people.create_member(
            uow,
            organization_id=own.id,
            email="ada@example.org",
            name="Ada",
            role_ids=(ADMIN.id,),
            now=own.plane.clock.now(),
        )


def test_people_and_the_organization_are_compared_too(own: Organization) -> None:
    own.service("192.0.2.7")
    ada = member(own)
    people_first = {f"member.password/member/{ada.id}", "organization.accountable/organization"}
    people_first |= {"organization.notified/organization/notifications", "service.region.hosting/region/local"}
    assert people_first <= set(own.differences("card-data"))
    with own.plane.control.audit.bookkeeping("a test sets up what other areas' own tests bring about") as connection:
        access.set_password_hash(connection, user_id=ada.id, password_hash="$argon2id$")
        documents.put_hosting(connection, region_id="local", provider=Provider.OWN, now=own.plane.clock.now())
        notifications.insert_channel(connection, channel(own))
        for row in own.plane.control.catalogue.responsibilities:
            findings.set_accountable(connection, organization_id=own.id, row_id=row.id, user_id=ada.id)
    assert not people_first & set(own.differences("card-data"))


def channel(own: Organization) -> Channel:
    now = own.plane.clock.now()
    return Channel(
        id="c1",
        organization_id=own.id,
        name="mail",
        address="mailto://…",
        sealed_url=b"",
        minimum_severity=Level.LOW,
        kinds=(Kind.STATE,),
        mode=Mode.DAILY,
        created_at=now,
        told_until=now,
        attempted_at=now,
        delivered_at=now,
    )


def test_too_many_administrators_and_old_keys_are_for_people(own: Organization) -> None:
    for _ in range(2):
        own.other_key()
    (admins,) = own.of("key.admins", "card-data")
    assert "3 keys administer the organization" in admins["is"]
    assert own.of("key.admins") == []
    own.plane.clock.advance(timedelta(days=91))
    assert {one["act"] for one in own.of("key.age.days", "card-data")} == {"person"}


def test_nobody_declines_grave_advice_alone(own: Organization) -> None:
    assert "second person" in decline(own, "service.access.widest", status=403)
    assert "guidance.advice_decline" not in own.codes()
