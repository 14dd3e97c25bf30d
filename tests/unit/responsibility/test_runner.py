"""Running checks: facts once for all, each error kept to its checks, nothing green that was not looked at."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

import pytest

from stronghouse.audit import store as audit
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, FixedClock
from stronghouse.kernel.errors import Invalid, Unavailable
from stronghouse.responsibility import store
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.documents.events import HostingDeclared
from stronghouse.responsibility.facts import COLLECTORS
from stronghouse.responsibility.model import ResultState
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.responsibility.schedule import UNTOUCHED_BY_SERVICES, Group, interval, touched_by
from tests.support.databases import SQLITE
from tests.unit.responsibility.cases import CASES, facts, passing
from tests.unit.responsibility.conftest import ACME, OTHER, Owners, ScriptedFacts

HERE = "region/local"


@pytest.fixture(scope="module")
def back_end() -> str:
    """On SQLite only: these are about threads that hang, and a driver minds when they never give a connection back."""
    return SQLITE


def _runs(log: AuditLog) -> dict[tuple[str, str], store.Run]:
    with log.database.read() as connection:
        return store.runs(connection)


def _codes(log: AuditLog) -> list[str]:
    with log.database.read() as connection:
        return [entry.code for entry in audit.entries(connection)]


def test_first_run_collects_each_kind_of_facts_once_in_each_place(runner: CheckRunner, sources: ScriptedFacts) -> None:
    looks = sum(len(where) for where in COLLECTORS.values())
    assert runner.run_due() == looks == len(set(sources.calls)) == len(sources.calls)


def test_nothing_runs_again_until_it_is_due(runner: CheckRunner, sources: ScriptedFacts, clock: FixedClock) -> None:
    runner.run_due()
    sources.calls.clear()
    clock.advance(timedelta(minutes=11))
    assert runner.run_due() == 0
    clock.advance(timedelta(minutes=4))
    runner.run_due()
    assert ("tls_endpoints", "local") in sources.calls
    assert ("plane_access", "local") not in sources.calls


def test_failed_collector_is_an_error_keeps_former_results_and_is_tried_again_soon(
    runner: CheckRunner, sources: ScriptedFacts, clock: FixedClock, log: AuditLog
) -> None:
    runner.run_due()
    sources.found["data_keys"] = Unavailable("Region local did not answer.", detail="10.0.0.9")
    clock.advance(timedelta(minutes=15))
    runner.run_due()
    run = _runs(log)["tde_key_unwraps", HERE]
    assert (run.error, run.collected_at) == ("Region local did not answer.", clock.now() - timedelta(minutes=15))
    assert _runs(log)["rest_files_encrypted", HERE].error is None
    with log.database.read() as connection:
        (kept,) = store.results_of(connection, check_id="tde_key_unwraps", place=HERE)
    assert kept.state is ResultState.PASS
    sources.calls.clear()
    clock.advance(timedelta(seconds=60))
    del sources.found["data_keys"]
    runner.run_due()
    assert sources.calls == [("data_keys", "local")]
    assert _runs(log)["tde_key_unwraps", HERE].error is None


def test_going_to_error_is_recorded_once_however_long_it_lasts(
    runner: CheckRunner, sources: ScriptedFacts, clock: FixedClock, log: AuditLog
) -> None:
    sources.found["plane_access"] = RuntimeError("secret-in-a-foreign-error")
    runner.run(check_id="plane_access_authenticated")
    for _ in range(5):
        clock.advance(timedelta(minutes=1))
        runner.run(check_id="plane_access_authenticated")
    assert _codes(log) == ["check.state_change"]
    run = _runs(log)["plane_access_authenticated", HERE]
    assert run.attempted_at == clock.now()
    assert "RuntimeError" in str(run.error)
    assert "secret" not in str(run.error)


@pytest.mark.parametrize("skew", [timedelta(seconds=61), timedelta(seconds=-61)])
def test_clock_that_differs_makes_an_error(
    runner: CheckRunner, sources: ScriptedFacts, log: AuditLog, skew: timedelta
) -> None:
    told = facts("disk_encryption", passing("disk_encryption"), collected_at=sources.clock.now() + skew)
    sources.answers["disk_encryption"] = told.to_json()
    runner.run(check_id="rest_files_encrypted")
    assert "clock" in str(_runs(log)["rest_files_encrypted", HERE].error)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"collector": "disk_encryption"},
        {
            "collector": "data_keys",
            "version": 1,
            "method": "",
            "target": "",
            "collected_at": "2026-11-23T12:00:00Z",
            "resources": [],
        },
        {
            "collector": "disk_encryption",
            "version": 1,
            "method": "",
            "target": "",
            "collected_at": "now",
            "resources": [],
        },
        {
            "collector": "disk_encryption",
            "version": 1,
            "method": "",
            "target": "",
            "collected_at": "2026-11-23T12:00:00Z",
            "resources": [{"id": "service/a1", "kind": "service"}, {"id": "service/a1", "kind": "service"}],
        },
    ],
)
def test_answer_that_is_no_facts_is_an_error(
    runner: CheckRunner, sources: ScriptedFacts, log: AuditLog, answer: None
) -> None:
    sources.answers["disk_encryption"] = answer
    runner.run(check_id="rest_files_encrypted")
    assert _runs(log)["rest_files_encrypted", HERE].error is not None


def test_one_evaluator_that_breaks_takes_no_other_with_it(
    runner: CheckRunner, sources: ScriptedFacts, log: AuditLog
) -> None:
    broken = {name: value for name, value in CASES["tls_certificate_trusted"].passing.items() if name != "plaintext"}
    sources.found["tls_endpoints"] = [broken]
    runner.run()
    runs = _runs(log)
    assert "plaintext" in str(runs["tls_plaintext_refused", HERE].error)
    assert runs["tls_certificate_trusted", HERE].error is None


def test_evidence_is_split_so_that_no_organization_sees_anothers(
    runner: CheckRunner, sources: ScriptedFacts, log: AuditLog
) -> None:
    fine = CASES["rest_files_encrypted"].passing
    sources.found["disk_encryption"] = [
        {**fine, "id": f"service/{service}", "service_id": service} for service in ("a1", "o1", "nobodys")
    ]
    runner.run(check_id="rest_files_encrypted")
    with log.database.read() as connection:
        seen = {
            kept.organization_id: [one for one in ("a1", "o1", "nobodys") if f"service/{one}" in kept.body]
            for kept in store.cited_evidence(connection)
        }
    assert seen == {ACME: ["a1"], OTHER: ["o1"]}


def test_what_an_agent_says_of_another_regions_service_is_shown_to_nobody(
    log: AuditLog, clock: FixedClock, catalogue: Catalogue
) -> None:
    sources = ScriptedFacts(clock, regions=("elsewhere",))
    fine = CASES["rest_files_encrypted"].passing
    sources.found["disk_encryption"] = [{**fine, "id": "service/a1", "service_id": "a1"}]
    runner = CheckRunner(log, sources=sources, ownership=Owners(), catalogue=catalogue, clock=clock)
    runner.run(check_id="rest_files_encrypted")
    with log.database.read() as connection:
        assert store.results_of(connection, check_id="rest_files_encrypted", place="region/elsewhere") == []


def test_resource_that_is_gone_takes_its_result_with_it(
    runner: CheckRunner, sources: ScriptedFacts, clock: FixedClock, log: AuditLog
) -> None:
    sources.found["disk_encryption"] = [dict(CASES["rest_files_encrypted"].failing[0][0])]
    runner.run(check_id="rest_files_encrypted")
    sources.found["disk_encryption"] = []
    clock.advance(timedelta(minutes=1))
    runner.run(check_id="rest_files_encrypted")
    with log.database.read() as connection:
        assert store.results_of(connection, check_id="rest_files_encrypted", place=HERE) == []


def test_evidence_is_a_leaf_of_the_audit_log(runner: CheckRunner, log: AuditLog) -> None:
    runner.run(check_id="rest_files_encrypted")
    with log.database.read() as connection:
        (kept,) = store.cited_evidence(connection)
        (recorded,) = [entry for entry in audit.entries(connection) if entry.code == "evidence.record"]
    assert recorded.index == kept.audit_index
    assert recorded.organization_id == kept.organization_id == ACME
    assert kept.id in recorded.body


def test_run_by_hand_takes_one_row_and_tells_of_progress(
    runner: CheckRunner, sources: ScriptedFacts, catalogue: Catalogue
) -> None:
    done: list[Group] = []
    runner.run(row_id="console.tde", progress=done.append)
    assert {(group.collector, group.place) for group in done} == {("data_keys", HERE), ("key_ages", "control")}
    assert {check.meta.id for group in done for check in group.checks} == {
        check.meta.id for check in catalogue.checks_of_row("console.tde")
    }
    for unknown in ("nothing", "console.nothing"):
        with pytest.raises(Invalid):
            runner.run(row_id=unknown)
    with pytest.raises(Invalid):
        runner.run(check_id="nothing")


def test_collectors_run_side_by_side_but_not_more_than_allowed(
    log: AuditLog, clock: FixedClock, catalogue: Catalogue, runner: CheckRunner, sources: ScriptedFacts
) -> None:
    at_once: Counter[str | None] = Counter()
    most: Counter[str | None] = Counter()
    lock, meeting = threading.Lock(), threading.Barrier(2, timeout=5)
    plain = sources.collect

    def counted(collector: str, region: str | None) -> object:
        with lock:
            at_once[region] += 1
            most[region] = max(most[region], at_once[region])
        if collector in {"audit_tree", "tls_endpoints"} and region is None:
            meeting.wait()  # only passes if two are here at the same time
        with lock:
            at_once[region] -= 1
        return plain(collector, region)

    sources.collect = counted  # type: ignore[method-assign, assignment]
    runner.run_due()
    assert most[None] == 2
    assert most["local"] <= 2
    assert all(run.error is None for run in _runs(log).values())


def test_region_that_does_not_answer_holds_up_nobody_else(
    runner: CheckRunner, sources: ScriptedFacts, log: AuditLog
) -> None:
    plain, control_done = sources.collect, threading.Event()

    def slow(collector: str, region: str | None) -> object:
        if region is not None and not control_done.wait(10):
            raise TimeoutError
        return plain(collector, region)

    class Seen:
        wanted = sum(group.region is None for group in runner.plan())
        done: ClassVar[list[str]] = []

        def begun(self, group: Group) -> None:
            pass

        def ended(self, group: Group, error: str | None, seconds: float) -> None:
            if group.region is None:
                self.done.append(group.collector)  # from several threads: appending is one step
            if len(self.done) == self.wanted:
                control_done.set()

    sources.collect = slow  # type: ignore[method-assign, assignment]
    runner.run_groups(runner.plan(), Seen())
    assert control_done.is_set()
    assert not [run for run in _runs(log).values() if "TimeoutError" in str(run.error)]


def test_looks_with_the_same_maximum_age_are_not_due_at_the_same_moment(catalogue: Catalogue) -> None:
    hourly = [check.meta for check in catalogue.checks.values() if check.meta.max_age == timedelta(hours=1)]
    intervals = {interval(meta, f"region/{number}") for meta in hourly for number in range(10)}
    assert len(intervals) > 10
    assert all(timedelta(minutes=12) <= one <= timedelta(minutes=15) for one in intervals)


def test_change_in_a_region_looks_again_only_at_what_depends_on_services(
    runner: CheckRunner, sources: ScriptedFacts
) -> None:
    runner.run_due()
    sources.calls.clear()
    runner.note_change("local")
    runner.run_due()
    assert ("disk_encryption", "local") in sources.calls
    assert not {collector for collector, _ in sources.calls} & UNTOUCHED_BY_SERVICES
    assert {place for _, place in sources.calls} == {"local"}


def test_collectors_that_services_do_not_touch_exist() -> None:
    assert set(COLLECTORS) >= UNTOUCHED_BY_SERVICES


def test_collector_that_hangs_becomes_an_error_and_holds_up_no_other(
    log: AuditLog, sources: ScriptedFacts, catalogue: Catalogue, clock: FixedClock
) -> None:
    runner = CheckRunner(
        log, sources=sources, ownership=Owners(), catalogue=catalogue, clock=clock, concurrency=1, deadline=0.2
    )
    plain, release, begun = sources.collect, threading.Event(), []

    def hanging(collector: str, region: str | None) -> object:
        if collector == "disk_encryption":
            begun.append(collector)
            release.wait(20)
        return plain(collector, region)

    sources.collect = hanging  # type: ignore[method-assign, assignment]
    runner.run()
    runs = _runs(log)
    assert "did not answer within" in str(runs["rest_files_encrypted", HERE].error)
    assert [check for (check, _), run in runs.items() if "did not answer" in str(run.error)] == ["rest_files_encrypted"]
    runner.run(check_id="rest_files_encrypted")
    assert begun == ["disk_encryption"]  # while it hangs, no second one is begun
    release.set()
    time.sleep(0.05)
    assert _runs(log)["rest_files_encrypted", HERE].collected_at is None  # the late answer was discarded
    runner.run(check_id="rest_files_encrypted")
    assert _runs(log)["rest_files_encrypted", HERE].error is None


def test_thread_outlives_a_broken_source_of_facts(runner: CheckRunner, sources: ScriptedFacts) -> None:
    stop = threading.Event()

    def broken() -> list[str]:
        stop.set()
        raise RuntimeError

    sources.regions = broken  # type: ignore[method-assign]
    runner.run_forever(stop)


def test_an_act_makes_the_looks_due_whose_facts_it_may_have_changed(
    runner: CheckRunner, sources: ScriptedFacts, log: AuditLog
) -> None:
    runner.run_due()
    sources.calls.clear()
    with log.unit_of_work(Context(SYSTEM)) as uow:
        uow.record(HostingDeclared(organization_id=None, region="local", before=None, after="own"))
    runner.run_due()
    assert sources.calls == [("documents", None)]
    sources.calls.clear()
    runner.run_due()
    assert sources.calls == []


def test_an_answer_that_leaves_out_a_service_is_an_error_and_closes_nothing(
    log: AuditLog, sources: ScriptedFacts, catalogue: Catalogue, clock: FixedClock
) -> None:
    owners = Owners()
    runner = CheckRunner(log, sources=sources, ownership=owners, catalogue=catalogue, clock=clock)
    cases = CASES["service_password_required"]
    good = {**cases.passing, "id": "service/a1", "service_id": "a1"}
    bad = {**cases.failing[0][0], "id": "service/o1", "service_id": "o1"}
    owners.expected = frozenset({"a1", "o1"})
    sources.found["service_authentication"] = [good, bad]
    runner.run(check_id="service_password_required")
    sources.found["service_authentication"] = [good]
    runner.run(check_id="service_password_required")
    assert _runs(log)["service_password_required", HERE].error == "The region's answer leaves out 1 of its services."
    assert "finding.resolve" not in _codes(log)
    owners.expected = frozenset({"a1"})  # the other one was deleted
    runner.run(check_id="service_password_required")
    assert _runs(log)["service_password_required", HERE].error is None
    assert "finding.resolve" in _codes(log)


class Waiting(ScriptedFacts):
    """A source whose collectors wait until they are let go."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.held = {"plane_access"}
        self.let_go = threading.Event()

    def collect(self, collector: str, region: str | None) -> Json:
        """Facts as scripted, late where held."""
        try:
            return super().collect(collector, region)
        finally:
            if collector in self.held:
                self.let_go.wait(10)


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_slow_look_holds_up_no_other_and_is_made_again_when_something_happened_under_it(
    log: AuditLog, catalogue: Catalogue, clock: FixedClock
) -> None:
    sources = Waiting(clock)
    runner = CheckRunner(log, sources=sources, ownership=Owners(), catalogue=catalogue, clock=clock)
    sources.held = {"data_keys"}
    first = runner.begin_due()
    _until(lambda: len(_runs(log)) >= len(catalogue.checks) and len(sources.calls) == first)
    _until(lambda: ("rest_files_encrypted", HERE) in _runs(log))
    sources.calls.clear()
    runner.note_change("local")
    runner.begin_due()
    _until(lambda: ("disk_encryption", "local") in sources.calls)
    assert ("data_keys", "local") not in sources.calls
    sources.let_go.set()
    _until(lambda: ("tde_key_unwraps", HERE) in _runs(log))
    _until(lambda: bool(runner.begin_due()) or ("data_keys", "local") in sources.calls)
    _until(lambda: ("data_keys", "local") in sources.calls)


@pytest.mark.parametrize("error", [None, Unavailable("The agent of region local is not connected.")])
def test_look_that_ends_while_the_process_stops_is_not_kept_and_none_begins(
    log: AuditLog, catalogue: Catalogue, clock: FixedClock, error: Exception | None
) -> None:
    sources, stopping = Waiting(clock), threading.Event()
    if error is not None:
        sources.found["plane_access"] = error
    runner = CheckRunner(log, sources=sources, ownership=Owners(), catalogue=catalogue, clock=clock, stopping=stopping)
    looking = threading.Thread(target=lambda: runner.run(check_id="plane_access_authenticated"))
    looking.start()
    _until(lambda: bool(sources.calls))
    stopping.set()
    sources.let_go.set()
    looking.join(10)
    runner.run_due()
    assert len(sources.calls) == 1
    assert (_runs(log), _codes(log)) == ({}, [])


@pytest.mark.parametrize("code", ["region.create", "agent.join"])
def test_region_or_agent_that_is_new_makes_what_depends_on_it_due(code: str) -> None:
    assert {"agents", "documents", "declared_state", "guidance"} <= touched_by([code])
