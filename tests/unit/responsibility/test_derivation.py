"""States from results, case by case, with what dispositions change: nothing becomes green by them."""

from datetime import UTC, datetime, timedelta

import pytest

from stronghouse.responsibility import derivation
from stronghouse.responsibility.derivation import Derived
from stronghouse.responsibility.findings.store import Coverage
from stronghouse.responsibility.model import ResultState, RowState
from stronghouse.responsibility.store import Run
from tests.unit.responsibility.findings.looks import HERE, META

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = datetime(2026, 12, 1, tzinfo=UTC)
RUN = Run(META.id, HERE, META.version, NOW, NOW, NOW, None)
OLD = Run(META.id, HERE, META.version, NOW, NOW - META.max_age - timedelta(seconds=1), NOW, None)
BROKEN = Run(META.id, HERE, META.version, NOW, NOW, NOW, "No answer.")
PASS, FAIL = ResultState.PASS, ResultState.FAIL
MANUAL, NOTHING = ResultState.MANUAL, ResultState.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("run", "counted", "covered", "state"),
    [
        (RUN, {PASS: 3}, 0, RowState.PASS),
        (RUN, {PASS: 3, FAIL: 1}, 0, RowState.FAIL),
        (RUN, {PASS: 3, FAIL: 1}, 1, RowState.ACCEPTED),
        (RUN, {PASS: 3, FAIL: 2}, 1, RowState.FAIL),
        (RUN, {FAIL: 2}, 2, RowState.ACCEPTED),
        (RUN, {FAIL: 2, MANUAL: 1}, 2, RowState.MANUAL),
        (RUN, {FAIL: 2, MANUAL: 1}, 1, RowState.FAIL),
        (RUN, {FAIL: 1, NOTHING: 1}, 1, RowState.ACCEPTED),
        (RUN, {PASS: 1}, 1, RowState.PASS),
        (RUN, {}, 1, RowState.NOT_APPLICABLE),
        (OLD, {FAIL: 1}, 1, RowState.STALE),
        (BROKEN, {FAIL: 1}, 1, RowState.ERROR),
        (None, {FAIL: 1}, 1, RowState.NOT_EVIDENCED),
    ],
)
def test_state_of_a_check_in_a_place(
    run: Run | None, counted: dict[ResultState, int], covered: int, state: RowState
) -> None:
    coverage = Coverage(covered, UNTIL) if covered else None
    assert derivation.check_in_place(META, run, counted, HERE, NOW, coverage).state is state


def test_accepted_says_how_many_and_until_when() -> None:
    derived = derivation.check_in_place(META, RUN, {FAIL: 2, PASS: 3}, HERE, NOW, Coverage(2, UNTIL))
    assert derived.reason == "2 of 5 fail in region/local, all accepted, the first until 2026-12-01."


ORDER = [
    RowState.FAIL,
    RowState.ERROR,
    RowState.STALE,
    RowState.MANUAL,
    RowState.ACCEPTED,
    RowState.NOT_EVIDENCED,
    RowState.PASS,
    RowState.NOT_APPLICABLE,
]


@pytest.mark.parametrize("higher", range(len(ORDER)))
def test_worse_stands_above_better_in_checks_and_controls(higher: int) -> None:
    for lower in ORDER[higher:]:
        parts = [Derived(lower, "lower."), Derived(ORDER[higher], "higher.")]
        assert derivation.check_overall(parts).state is ORDER[higher]
        assert derivation.control(parts).state is ORDER[higher]


def test_row_with_an_accepted_control_is_accepted_and_counts_it_as_unproven() -> None:
    proven, accepted = Derived(RowState.PASS, "All hold."), Derived(RowState.ACCEPTED, "1 of 1 fail.")
    derived = derivation.row([("One", proven), ("Two", accepted)])
    assert derived == Derived(RowState.ACCEPTED, "Two: 1 of 1 fail. 1 of 2 controls proven.")
    manual = Derived(RowState.MANUAL, "1 waits.")
    assert derivation.row([("One", accepted), ("Two", manual)]).state is RowState.MANUAL
