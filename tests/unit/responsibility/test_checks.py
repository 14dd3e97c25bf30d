"""Every check: it passes, fails and does not apply where it must, and says why; its definition is complete."""

import re
from pathlib import Path

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility import checks
from stronghouse.responsibility.catalogue import Catalogue, discover_checks
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import COLLECTORS
from stronghouse.responsibility.model import Check, Result, ResultState
from tests.unit.responsibility.cases import CASES, Fields, facts

CHECKS = {check.meta.id: check for check in discover_checks()}
every_check = pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)


def _judge(check: Check, fields: Fields) -> Result:
    (result,) = evaluate(check, facts(check.meta.collector, [fields]))
    assert result.resource == fields["id"]
    assert len(result.reason) > 15
    assert result.reason.endswith(".")
    return result


def test_folder_and_cases_name_the_same_checks() -> None:
    files = {path.stem for path in Path(checks.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(CHECKS) == set(CASES)


@every_check
def test_passes_where_all_is_well(check: Check) -> None:
    assert _judge(check, CASES[check.meta.id].passing).state is ResultState.PASS


@every_check
def test_fails_and_names_what_is_wrong(check: Check) -> None:
    assert CASES[check.meta.id].failing
    for fields, word in CASES[check.meta.id].failing:
        result = _judge(check, fields)
        assert (result.state, word in result.reason) == (ResultState.FAIL, True), result


@every_check
def test_does_not_apply_where_there_is_nothing_to_judge(check: Check) -> None:
    assert CASES[check.meta.id].not_applicable
    for fields in CASES[check.meta.id].not_applicable:
        assert _judge(check, fields).state is ResultState.NOT_APPLICABLE
    assert evaluate(check, facts(check.meta.collector, [])) == []


@every_check
def test_asks_a_person_where_nobody_can_tell(check: Check) -> None:
    for fields in CASES[check.meta.id].manual:
        assert _judge(check, fields).state is ResultState.MANUAL


@every_check
def test_missing_field_is_an_error_and_never_a_verdict(check: Check) -> None:
    fields = dict(CASES[check.meta.id].passing)
    bare = {name: fields[name] for name in ("id", "kind")}
    with pytest.raises(Invalid):
        evaluate(check, facts(check.meta.collector, [bare]))


@every_check
def test_definition_is_complete(check: Check, catalogue: Catalogue) -> None:
    meta = check.meta
    known = {control.id for row in catalogue.responsibilities for control in row.controls}
    assert re.fullmatch(r"[a-z][a-z0-9_]{3,60}", meta.id)
    assert meta.controls
    assert set(meta.controls) <= known
    assert meta.collector in COLLECTORS
    assert meta.max_age.total_seconds() >= 600
    assert all(
        re.fullmatch(r"(SOC2:(CC|A|C|PI|P)\d\.\d|ISO27001:A\.\d\.\d+|CIS:\d+\.\d+)", one) for one in meta.frameworks
    )
    for sentence in (meta.risk, meta.remediation):
        assert len(sentence) > 30
        assert sentence.endswith(".")


def test_evaluator_may_not_invent_resources_or_states() -> None:
    check = CHECKS["audit_tree_verified"]
    seen = facts("audit_tree", [CASES["audit_tree_verified"].passing])
    for wrong in (
        [Result("elsewhere", ResultState.PASS, "It is fine.")],
        [Result("audit_log", ResultState.STALE, "It is old.")],
        [Result("audit_log", ResultState.PASS, "One."), Result("audit_log", ResultState.PASS, "Two.")],
        [Result("audit_log", ResultState.PASS, "")],
    ):
        with pytest.raises(Invalid):
            evaluate(Check(check.meta, lambda _facts, wrong=wrong: wrong), seen)  # type: ignore[misc]
