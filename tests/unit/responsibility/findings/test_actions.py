"""Findings follow what looks say: one for one thing that is wrong, closed only by a look that worked."""

import hashlib
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stronghouse.audit.event import SYSTEM, Context
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound
from stronghouse.responsibility import store as results
from stronghouse.responsibility.findings import actions, store
from stronghouse.responsibility.findings.model import FindingReport, FindingStatus, identity
from stronghouse.responsibility.model import Severity
from tests.support.databases import SQLITE
from tests.unit.responsibility.findings.looks import DAY, HERE, Scene

OPEN, RESOLVED = FindingStatus.OPEN, FindingStatus.RESOLVED
TASK = FindingReport(
    organization_id=None,
    source="guidance",
    source_id="encrypt_it",
    resource="profile/card_data",
    place="control",
    severity=Severity.HIGH,
    title="Encrypt it",
    reason="It is not.",
    remediation="Do it.",
)


def test_identity_is_the_same_for_ever_and_of_one_thing_only() -> None:
    base = ("o", "check", "c", "r", "p")
    assert identity(*base) == hashlib.sha256(b'["o","check","c","r","p"]').hexdigest()
    others = {identity(*(*base[:at], "x", *base[at + 1 :])) for at in range(5)}
    assert len({identity(*base), *others, identity(None, *base[1:])}) == 7
    assert identity("o", "check", "ab", "c", "p") != identity("o", "check", "a", "bc", "p")


def test_message_severity_and_version_are_no_part_of_the_identity(scene: Scene) -> None:
    scene.look(a="F")
    scene.meta = replace(scene.meta, version=2, severity=Severity.HIGH, title="Otherwise", remediation="Do more.")
    scene.reason = "It is so, in other words."
    scene.look(a="F")
    found = scene.finding("a")
    assert list(scene.statuses()) == ["a"]
    assert (found.reason, found.title, found.severity) == (scene.reason, "Otherwise", Severity.HIGH)


def test_failure_opens_is_refreshed_is_resolved_and_comes_back(scene: Scene) -> None:
    began = scene.clock.now()
    scene.look(a="F", b="P")
    assert scene.statuses() == {"a": OPEN}
    scene.clock.advance(DAY)
    scene.look(a="F", b="P")
    found = scene.finding("a")
    assert (found.first_seen_at, found.last_seen_at) == (began, began + DAY)
    assert found.due_at == began + timedelta(days=90)
    scene.clock.advance(DAY)
    scene.look(a="P", b="P")
    assert (scene.finding("a").status, scene.finding("a").resolved_at) == (RESOLVED, began + 2 * DAY)
    scene.clock.advance(DAY)
    scene.look(a="F", b="P")
    found = scene.finding("a")
    assert (found.status, found.reopened, found.first_seen_at, found.opened_at) == (OPEN, 1, began, began + 3 * DAY)
    assert (found.resolved_at, found.due_at) == (None, began + timedelta(days=93))
    assert scene.codes() == ["finding.open", "finding.resolve", "finding.reopen"]
    with scene.log.database.read() as connection:
        told = [step.what for step in store.steps_of(connection, found.id, limit=9)]
    assert told == ["reopen", "resolve", "open"]


def test_failed_look_closes_nothing(scene: Scene) -> None:
    scene.look(a="F")
    scene.fail_to_look()
    assert scene.statuses() == {"a": OPEN}
    assert scene.codes() == ["finding.open"]


@pytest.mark.parametrize("later", [{"a": "N"}, {"a": "P"}, {}, {"b": "P"}])
def test_finding_is_resolved_when_it_passes_does_not_apply_or_is_gone(scene: Scene, later: dict[str, str]) -> None:
    scene.look(a="F")
    scene.look(**later)
    assert scene.statuses() == {"a": RESOLVED}


def test_what_a_person_must_judge_neither_opens_nor_closes(scene: Scene) -> None:
    scene.look(a="F", b="M")
    scene.look(a="M", b="M")
    assert scene.statuses() == {"a": OPEN}


def test_findings_of_other_places_and_checks_are_left_alone(scene: Scene) -> None:
    scene.look(a="F")
    other = scene.meta
    scene.meta = replace(scene.meta, id="tde_key_unwraps")
    scene.look(a="P")
    scene.meta = other
    assert scene.statuses() == {"a": OPEN}


def test_resource_that_changes_hands_is_another_organizations_finding(scene: Scene) -> None:
    scene.look(scene.operator, a="F")
    scene.look(scene.other, a="F")
    assert scene.finding("a", scene.operator).status is RESOLVED
    assert scene.finding("a", scene.other).status is OPEN


def test_checks_about_findings_open_none(scene: Scene) -> None:
    scene.meta = replace(scene.meta, collector="findings")
    scene.look(a="F")
    assert scene.statuses() == {}


def test_graver_finding_is_due_sooner_and_milder_one_no_later(scene: Scene) -> None:
    scene.look(a="F")
    scene.graver(Severity.CRITICAL)
    scene.look(a="F")
    assert scene.finding("a").due_at == scene.clock.now() + timedelta(days=7)
    scene.graver(Severity.LOW)
    scene.look(a="F")
    assert scene.finding("a").due_at == scene.clock.now() + timedelta(days=7)
    assert scene.codes() == ["finding.open", "finding.update", "finding.update"]


def test_flood_of_findings_is_recorded_in_a_bounded_number_of_events(scene: Scene) -> None:
    many = {f"r{number}": "F" for number in range(2_060)}
    scene.look(**many)
    assert scene.codes() == ["finding.open"] * 50 + ["finding.change_many"] * 3
    scene.look()
    assert len(scene.codes()) == 106
    assert set(scene.statuses().values()) == {RESOLVED}


@pytest.mark.slow  # it times 10,000 results
@pytest.mark.parametrize("back_end", [SQLITE], indirect=True)  # the bound is the default back end's
def test_unchanged_look_of_ten_thousand_failures_costs_little(scene: Scene) -> None:
    many = {f"r{number}": "F" for number in range(10_000)}
    scene.look(**many)
    with scene.log.unit_of_work(Context(SYSTEM)) as uow:
        stored = results.results_of(uow.connection, check_id=scene.meta.id, place=HERE)
        began = time.process_time()
        actions.record(uow, scene.meta, stored, place=HERE, now=scene.clock.now() + DAY)
        used = time.process_time() - began
        assert uow.events == []
        uow.connection.rollback()
        uow.changes = 0
    assert used < 0.6, used  # measured 0.17 s, the aim is 0.3; the machine is shared


def test_other_areas_report_and_close(scene: Scene) -> None:
    now = scene.clock.now()
    with scene.log.unit_of_work(Context(SYSTEM)) as uow:
        finding_id = actions.report(uow, TASK, now=now)
        assert actions.report(uow, replace(TASK, reason="Still not."), now=now + DAY) == finding_id == TASK.identity()
    with scene.log.unit_of_work(Context(SYSTEM)) as uow:
        actions.close(uow, finding_id, reason="It is done.", now=now + DAY)
        actions.close(uow, finding_id, reason="It is done.", now=now + DAY)
    with scene.log.unit_of_work(Context(SYSTEM)) as uow:
        actions.report(uow, TASK, now=now + 2 * DAY)
    with scene.log.database.read() as connection:
        found = store.find(connection, finding_id)
    assert found is not None
    assert (found.status, found.reopened) == (OPEN, 1)
    assert scene.codes() == ["finding.open", "finding.resolve", "finding.reopen"]
    with scene.log.unit_of_work(Context(SYSTEM)) as uow, pytest.raises(NotFound):
        actions.close(uow, "0" * 64, reason="-", now=now)


def test_work_on_a_finding_is_recorded(scene: Scene) -> None:
    scene.look(a="F")
    person = scene.person("a@example.com")
    with scene.log.unit_of_work(person) as uow:
        changed = actions.update_finding(
            uow,
            organization_id=scene.operator,
            finding_id=scene.id_of("a")[:12].upper(),
            status=FindingStatus.TRIAGED,
            assignee="A@example.com",
            due_at=scene.clock.now() + 180 * DAY,
            now=scene.clock.now(),
        )
    assert changed == scene.finding("a")
    assert (changed.status, changed.assignee) == (FindingStatus.TRIAGED, person.actor.id)
    assert scene.codes() == ["finding.open", "finding.update"]


def _update(scene: Scene, **wanted: Any) -> None:
    asked = {"organization_id": scene.operator, "finding_id": scene.id_of("a"), "now": scene.clock.now(), **wanted}
    with scene.log.unit_of_work(Context(SYSTEM)) as uow:
        actions.update_finding(uow, **asked)


def test_what_may_not_be_changed_is_refused(scene: Scene) -> None:
    scene.look(a="F")
    scene.person("stranger@example.com", scene.other)
    for assignee in ("stranger@example.com", "nobody@example.com", "0" * 36):
        with pytest.raises(Invalid, match="no member"):
            _update(scene, assignee=assignee)
    for status in (OPEN, RESOLVED):
        with pytest.raises(Invalid):
            _update(scene, status=status)
    for days in (-1, 0, 181):
        with pytest.raises(Invalid):
            _update(scene, due_at=scene.clock.now() + days * DAY)
    with pytest.raises(NotFound):
        _update(scene, finding_id=scene.id_of("a")[:11])
    with pytest.raises(Denied):
        _update(scene, organization_id=scene.other, status=FindingStatus.TRIAGED)
    scene.look(a="P")
    with pytest.raises(Conflict):
        _update(scene, status=FindingStatus.TRIAGED)


def test_one_person_cannot_delay_a_grave_finding(scene: Scene) -> None:
    scene.graver(Severity.CRITICAL)
    scene.look(a="F")
    _update(scene, due_at=scene.clock.now() + 7 * DAY)
    with pytest.raises(Invalid, match="disposition"):
        _update(scene, due_at=scene.clock.now() + 8 * DAY)


def test_another_organizations_finding_does_not_exist(scene: Scene) -> None:
    scene.look(scene.operator, a="F")
    with pytest.raises(NotFound):
        _update(scene, organization_id=scene.other, finding_id=scene.id_of("a", scene.operator))
