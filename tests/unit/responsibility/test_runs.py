"""Runs by hand: one at a time, idempotent, bounded, and seen only by who asked."""

from datetime import timedelta

import pytest

from stronghouse.audit import store as audit
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Invalid, NotFound, Unavailable
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.responsibility.runs import MAX_KEPT, MAX_WAITING, STARTS, CheckRuns, RunsExhausted, RunState
from tests.unit.responsibility.conftest import ACME, OTHER, ScriptedFacts

CONTEXT = Context(SYSTEM)
ONE = "rest_files_encrypted"


@pytest.fixture
def runs(runner: CheckRunner, log: AuditLog, clock: FixedClock) -> CheckRuns:
    return CheckRuns(runner, log, clock)


def test_progress_tells_of_each_look_and_of_the_one_that_failed(
    runs: CheckRuns, sources: ScriptedFacts, log: AuditLog
) -> None:
    sources.found["data_keys"] = Unavailable("Region local did not answer.")
    run = runs.start(CONTEXT, organization_id=ACME, row_id="console.tde")
    assert run.to_json()["state"] == "waiting"
    assert runs.run_next()
    document = runs.find(run.id, organization_id=ACME).to_json()
    assert document["state"] == "done"
    assert document["done"] == document["total"] == len(run.groups)
    failed = [one.reason for one in run.groups.values() if one.state is RunState.FAILED]
    assert failed == ["Region local did not answer."]
    with log.database.read() as connection:
        (recorded,) = [entry for entry in audit.entries(connection) if entry.code == "check.run"]
    assert recorded.organization_id == ACME
    assert '"row":"console.tde"' in recorded.body


def test_asking_again_for_what_is_not_over_gives_the_same_run(runs: CheckRuns) -> None:
    first = runs.start(CONTEXT, organization_id=ACME, check_id=ONE)
    assert runs.start(CONTEXT, organization_id=ACME, check_id=ONE) is first
    assert runs.start(CONTEXT, organization_id=OTHER, check_id=ONE) is not first
    assert runs.run_next()
    assert runs.start(CONTEXT, organization_id=ACME, check_id=ONE) is not first


def test_another_organization_and_a_restart_see_no_run(runs: CheckRuns) -> None:
    run = runs.start(CONTEXT, organization_id=ACME, check_id=ONE)
    with pytest.raises(NotFound):
        runs.find(run.id, organization_id=OTHER)


def test_queue_and_an_organizations_share_are_bounded(runs: CheckRuns, runner: CheckRunner, clock: FixedClock) -> None:
    ids = [group.checks[0].meta.id for group in runner.plan()]
    ids = list(dict.fromkeys(ids))
    for check_id in ids[:MAX_WAITING]:
        runs.start(CONTEXT, organization_id=ACME, check_id=check_id)
    with pytest.raises(RunsExhausted) as full:
        runs.start(CONTEXT, organization_id=ACME)
    assert full.value.retry_after > 0
    while runs.run_next():
        pass
    runs._starts[ACME].extend([clock.now()] * (STARTS - MAX_WAITING))
    with pytest.raises(RunsExhausted):
        runs.start(CONTEXT, organization_id=ACME)
    runs.start(CONTEXT, organization_id=OTHER)
    clock.advance(timedelta(minutes=10))
    runs.start(CONTEXT, organization_id=ACME)
    assert len(runs._kept) <= MAX_KEPT


def test_unknown_scope_is_refused(runs: CheckRuns) -> None:
    with pytest.raises(Invalid):
        runs.start(CONTEXT, organization_id=ACME, check_id="nothing")


def test_an_organization_that_fills_its_queue_keeps_no_other_out(runs: CheckRuns, runner: CheckRunner) -> None:
    for check_id in list(dict.fromkeys(group.checks[0].meta.id for group in runner.plan()))[:MAX_WAITING]:
        runs.start(CONTEXT, organization_id=ACME, check_id=check_id)
    assert runs.start(CONTEXT, organization_id=OTHER, check_id=ONE).state is RunState.WAITING


def test_as_many_runs_are_kept_as_there_is_room_for(runs: CheckRuns, clock: FixedClock, sources: ScriptedFacts) -> None:
    sources.found.clear()
    first = runs.start(CONTEXT, organization_id=ACME, check_id=ONE)
    runs.run_next()
    for _ in range(MAX_KEPT - 1):
        clock.advance(timedelta(minutes=1))
        runs.start(CONTEXT, organization_id=ACME, check_id=ONE)
        runs.run_next()
    assert runs.find(first.id, organization_id=ACME) is first
    runs.start(CONTEXT, organization_id=ACME, check_id=ONE)
    with pytest.raises(NotFound):
        runs.find(first.id, organization_id=ACME)
