"""No sequence of looks, dispositions, withdrawals and time makes a check with a failing result green."""

import contextlib
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stronghouse.access import store as access_store
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import StronghouseError
from stronghouse.organizations import store as organizations_store
from stronghouse.responsibility import derivation, store
from stronghouse.responsibility.findings import dispositions
from stronghouse.responsibility.findings import store as findings_store
from stronghouse.responsibility.findings.model import RANK
from stronghouse.responsibility.model import ResultState, RowState, Severity
from stronghouse.storage.columns import metadata
from stronghouse.storage.database import Database
from tests.unit.responsibility.conftest import NOW
from tests.unit.responsibility.findings.looks import HERE, Scene

assert access_store.person is not None
assert organizations_store.organization is not None
RESOURCES = ("a", "b")
WORDS = st.sampled_from("PFMN-")  # - is gone
STEPS = st.one_of(
    st.tuples(st.just("look"), WORDS, WORDS),
    st.tuples(st.just("fail"), st.none(), st.none()),
    st.tuples(st.just("ask"), st.sampled_from(RESOURCES), st.integers(1, 40)),
    st.tuples(st.just("approve"), st.sampled_from(RESOURCES), st.none()),
    st.tuples(st.just("withdraw"), st.sampled_from(RESOURCES), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 40), st.booleans()),
    st.tuples(st.just("severity"), st.sampled_from(list(Severity)), st.none()),
)


def _play(scene: Scene, people: tuple[Context, Context], what: str, one: Any, two: Any) -> None:
    newest = scene.dispositions(one)[:1] if what in {"approve", "withdraw"} else []
    match what:
        case "look":
            scene.look(**{name: word for name, word in zip(RESOURCES, (one, two), strict=True) if word != "-"})
        case "fail":
            scene.fail_to_look()
        case "ask":
            scene.ask(one, people[0], days=two)
        case "wait":
            scene.clock.advance(timedelta(days=one))
            if two:
                dispositions.end_expired(scene.log, scene.clock.now())
        case "severity":
            scene.graver(one)
        case _:
            act = scene.approve if what == "approve" else scene.withdraw
            for held in newest:
                act(one, held, people[1])


def _check(scene: Scene) -> None:
    """Failing is never green; accepted means that each failing finding has one disposition that covers it now."""
    now = scene.clock.now()
    with scene.log.database.read() as connection:
        held = store.results_of(connection, check_id=scene.meta.id, place=HERE)
        run = store.run_of(connection, check_id=scene.meta.id, place=HERE)
        counted = store.counts_in(connection, check_id=scene.meta.id, place=HERE)
        covered = findings_store.coverage(connection, now=now, organization_id=scene.operator)
        overall = findings_store.coverage(connection, now=now, check_id=scene.meta.id)
        derived = derivation.check_in_place(scene.meta, run, counted, HERE, now, covered.get((scene.meta.id, HERE)))
    assert covered == overall
    failing = [result.resource for result in held if result.state is ResultState.FAIL]
    if not failing:
        assert derived.state is not RowState.ACCEPTED
        return
    assert derived.state not in {RowState.PASS, RowState.NOT_APPLICABLE, RowState.PARTIAL}
    if derived.state is RowState.ACCEPTED:
        for resource in failing:
            finding = scene.finding(resource)
            (good,) = [one for one in scene.dispositions(resource) if one.covers(finding, now)]
            assert RANK[good.severity] >= RANK[Severity.MEDIUM] or good.approver is not None
            assert now < good.expires_at


@pytest.mark.slow  # each example is a database with its log
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=4, max_size=20))
def test_failing_check_is_never_green_whatever_is_disposed_of(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as directory:
        database = Database(Path(directory) / "control.db")
        with database.write() as connection:
            metadata.create_all(connection)
        clock = FixedClock(NOW)
        scene = Scene.start(AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), clock), clock)
        people = (scene.person("a@example.com"), scene.person("b@example.com"))
        scene.look(a="F", b="F")
        try:
            for what, one, two in steps:
                with contextlib.suppress(StronghouseError):  # what is refused changes nothing
                    _play(scene, people, what, one, two)
                _check(scene)
        finally:
            database.close()
