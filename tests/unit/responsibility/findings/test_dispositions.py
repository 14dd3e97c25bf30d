"""A disposition has a reason, an end, and above medium two persons; and it ends by itself."""

from datetime import timedelta

import pytest

from stronghouse.audit import store as audit_store
from stronghouse.audit.event import SYSTEM, Actor, ActorType, Context
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.findings import dispositions
from stronghouse.responsibility.findings.model import LONGEST, DispositionKind, DispositionState, FindingStatus
from stronghouse.responsibility.model import Severity
from tests.unit.responsibility.findings.looks import DAY, Scene

NOBODY = Context(Actor(ActorType.API_KEY, "00000000-0000-4000-8000-0000000000ff", "unknown"))


def covered(scene: Scene, catalogue: Catalogue) -> bool:
    state = scene.place(catalogue)["state"]
    assert state in {"accepted", "fail"}
    return bool(state == "accepted")


def test_medium_and_low_are_in_force_at_once(scene: Scene, catalogue: Catalogue) -> None:
    scene.look(a="F")
    asked = scene.ask("a", NOBODY)
    assert asked.state is DispositionState.IN_FORCE
    assert covered(scene, catalogue)
    assert scene.finding("a").status is FindingStatus.OPEN


@pytest.mark.parametrize("severity", list(Severity))
def test_end_is_capped_by_severity(scene: Scene, severity: Severity) -> None:
    scene.graver(severity)
    scene.look(a="F")
    person = scene.person("a@example.com")
    longest = LONGEST[severity].days
    for days in (longest + 0.001, 0, -1):
        with pytest.raises(Invalid, match="ends between"):
            scene.ask("a", person, days=days)
    assert scene.ask("a", person, days=longest).expires_at == scene.clock.now() + LONGEST[severity]


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.CRITICAL])
def test_high_and_critical_wait_for_a_second_person(scene: Scene, catalogue: Catalogue, severity: Severity) -> None:
    scene.graver(severity)
    scene.look(a="F")
    author, second = scene.person("a@example.com"), scene.person("b@example.com")
    asked = scene.ask("a", author)
    assert asked.state is DispositionState.REQUESTED
    assert not covered(scene, catalogue)
    with pytest.raises(Denied, match="another person"):
        scene.approve("a", asked, author)
    approved = scene.approve("a", asked, second)
    assert approved.approver is not None
    assert approved.approver.person == second.actor.id
    assert covered(scene, catalogue)
    with pytest.raises(Conflict):
        scene.approve("a", asked, second)
    assert scene.codes() == ["finding.open", "disposition.request", "disposition.approve"]


def test_keys_of_one_person_are_one_person(scene: Scene) -> None:
    scene.graver(Severity.HIGH)
    scene.look(a="F")
    author, second = scene.person("a@example.com"), scene.person("b@example.com")
    key = scene.key_of(author)
    key_of_key = scene.key_of(key)
    asked = scene.ask("a", key)
    for same in (author, key, key_of_key):
        with pytest.raises(Denied, match="another person"):
            scene.approve("a", asked, same)
    for unknown in (
        NOBODY,
        Context(SYSTEM),
        scene.key_of(Context(SYSTEM)),
        scene.key_of(scene.key_of(Context(SYSTEM))),
    ):
        with pytest.raises(Denied, match="nobody knows"):
            scene.approve("a", asked, unknown)
    assert scene.approve("a", asked, scene.key_of(second)).state is DispositionState.IN_FORCE


def test_nobody_asks_for_a_grave_one_with_a_key_that_is_nobodys(scene: Scene) -> None:
    scene.graver(Severity.CRITICAL)
    scene.look(a="F")
    with pytest.raises(Denied, match="nobody knows"):
        scene.ask("a", scene.key_of(Context(SYSTEM)))
    assert scene.dispositions("a") == []


def test_ends_at_its_time_whether_the_job_ran_or_not(scene: Scene, catalogue: Catalogue) -> None:
    scene.look(a="F")
    scene.ask("a", NOBODY, days=3)
    scene.clock.advance(3 * DAY - timedelta(microseconds=1))
    assert covered(scene, catalogue)
    assert dispositions.end_expired(scene.log, scene.clock.now()) == 0
    scene.clock.advance(timedelta(microseconds=1))
    assert not covered(scene, catalogue)
    assert dispositions.end_expired(scene.log, scene.clock.now()) == 1
    assert dispositions.end_expired(scene.log, scene.clock.now()) == 0
    (over,) = scene.dispositions("a")
    assert (over.state, over.ended_because) == (DispositionState.ENDED, "expired")
    with scene.log.database.read() as connection:
        *_, last = audit_store.entries(connection)
    event: dict = last.event()  # type: ignore[type-arg]
    assert (last.code, event["actor"]["type"], event["data"]["reason"]) == ("disposition.end", "system", "expired")


def test_request_that_nobody_decided_in_time_cannot_be_approved(scene: Scene) -> None:
    scene.graver(Severity.HIGH)
    scene.look(a="F")
    author, second = scene.person("a@example.com"), scene.person("b@example.com")
    asked = scene.ask("a", author, days=1)
    scene.clock.advance(DAY)
    with pytest.raises(Conflict):
        scene.approve("a", asked, second)
    assert scene.ask("a", author, days=1).state is DispositionState.REQUESTED
    assert [one.ended_because for one in scene.dispositions("a")] == [None, "expired"]


def test_ends_when_the_finding_grows_worse(scene: Scene, catalogue: Catalogue) -> None:
    scene.look(a="F")
    scene.ask("a", NOBODY)
    scene.graver(Severity.LOW)
    scene.look(a="F")
    assert covered(scene, catalogue)
    scene.graver(Severity.HIGH)
    scene.look(a="F")
    assert not covered(scene, catalogue)
    assert scene.dispositions("a")[0].ended_because == "severity_raised"


def test_ends_when_the_finding_is_resolved_and_does_not_cover_it_again(scene: Scene, catalogue: Catalogue) -> None:
    scene.look(a="F", b="P")
    scene.ask("a", NOBODY)
    scene.look(a="P", b="P")
    assert scene.dispositions("a")[0].ended_because == "resolved"
    scene.look(a="F", b="P")
    assert not covered(scene, catalogue)


def test_is_withdrawn_by_one_person_alone(scene: Scene, catalogue: Catalogue) -> None:
    scene.look(a="F")
    asked = scene.ask("a", NOBODY)
    scene.withdraw("a", asked, NOBODY)
    assert not covered(scene, catalogue)
    with pytest.raises(Conflict, match="ended"):
        scene.withdraw("a", asked, NOBODY)


def test_only_one_at_a_time_and_only_where_something_is_wrong(scene: Scene) -> None:
    scene.look(a="F")
    scene.ask("a", NOBODY)
    with pytest.raises(Conflict, match="already"):
        scene.ask("a", NOBODY)
    scene.look(a="P")
    with pytest.raises(Conflict, match="resolved"):
        scene.ask("a", NOBODY)


def test_duplicate_names_another_finding_and_ends_with_it(scene: Scene) -> None:
    scene.look(a="F", b="F", c="P")
    duplicate = DispositionKind.DUPLICATE
    original = scene.finding("b")
    for wrong in (None, scene.finding("a")):
        with pytest.raises(Invalid):
            scene.ask("a", NOBODY, kind=duplicate, original=wrong)
    with pytest.raises(Invalid):
        scene.ask("a", NOBODY, original=original)
    scene.ask("a", NOBODY, kind=duplicate, original=original)
    with pytest.raises(Invalid):
        scene.ask("b", NOBODY, kind=duplicate, original=scene.finding("a"))
    scene.look(a="F", b="P", c="P")
    assert scene.dispositions("a")[0].ended_because == "duplicate_resolved"


def test_the_installations_findings_are_the_operators_to_dispose_of(scene: Scene) -> None:
    scene.look(a="F")
    with pytest.raises(NotFound):
        scene.ask("a", NOBODY, owner=scene.other)
    asked = scene.ask("a", NOBODY)
    with pytest.raises(NotFound), scene.log.unit_of_work(NOBODY) as uow:
        dispositions.withdraw(uow, scene.finding("a"), "0" * 36, now=scene.clock.now())
    assert scene.dispositions("a") == [asked]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001, "two\nlines", "\x1b[31m"])
def test_reason_is_something_to_read(reason: str) -> None:
    with pytest.raises(Invalid, match="Say why"):
        dispositions.check_reason(reason)
