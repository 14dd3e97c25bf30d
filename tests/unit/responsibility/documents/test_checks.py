"""Each state of a request, and that only one of them is a pass."""

from datetime import UTC, datetime, timedelta

import pytest

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.model import Result, ResultState
from tests.unit.responsibility.cases import COLLECTED_AT, facts
from tests.unit.responsibility.document_cases import REQUESTS, answered, filed

PLAYBOOKS, DRILL, AWS = REQUESTS["playbooks"], REQUESTS["playbook_drill"], REQUESTS["aws_soc2_report"]


def judge(
    catalogue: Catalogue, name: str, fields: dict[str, Json], *, at: datetime = COLLECTED_AT
) -> tuple[ResultState, str]:
    (result,) = evaluate(catalogue.checks[f"document_{name}"], facts("documents", [fields], collected_at=at))
    assert result.resource == fields["id"]
    assert result.reason.endswith(".")
    return result.state, result.reason


@pytest.mark.parametrize("name", REQUESTS)
def test_passes_in_order_and_fails_when_nothing_is_on_file(catalogue: Catalogue, name: str) -> None:
    request = REQUESTS[name]
    state, reason = judge(catalogue, name, answered(request))
    assert state is ResultState.PASS
    assert "alice" in reason
    state, reason = judge(catalogue, name, answered(request, document=None, review=None, next_due=None))
    assert state is ResultState.FAIL
    assert request.contents in reason


def test_says_who_when_and_until(catalogue: Catalogue) -> None:
    _, reason = judge(catalogue, "playbooks", answered(PLAYBOOKS))
    assert all(word in reason for word in ("alice", "2026-11-01", "bob", "2026-11-23", "2026-12-31"))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"review": None}, "reviewed by nobody"),
        ({"document": filed(file_problem="gone")}, "gone"),
        ({"document": filed(file_verified_at=None)}, "not opened"),
        ({"document": filed(file_verified_at="2026-11-16T11:59:59.000Z")}, "not opened"),
        ({"document": filed(valid_until="2026-11-22")}, "2026-11-22"),
        ({"review": {"id": "r", "at": "2026-05-23T11:59:59.000Z", "by": "bob"}}, "was due on"),
    ],
)
def test_fails_and_says_why(catalogue: Catalogue, changed: dict[str, Json], word: str) -> None:
    state, reason = judge(catalogue, "playbooks", answered(PLAYBOOKS, **changed))
    assert (state, word in reason) == (ResultState.FAIL, True), reason


def test_counts_through_its_last_day_and_not_a_moment_longer(catalogue: Catalogue) -> None:
    fields = answered(DRILL, document=filed(valid_until="2026-11-25", sha256=None, size=None))
    last = datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC)
    assert judge(catalogue, "playbook_drill", fields, at=last)[0] is ResultState.PASS
    assert judge(catalogue, "playbook_drill", fields, at=last + timedelta(seconds=1))[0] is ResultState.FAIL


def test_record_without_a_file_passes(catalogue: Catalogue) -> None:
    bare = filed(sha256=None, size=None, file_verified_at=None)
    assert judge(catalogue, "playbook_drill", answered(DRILL, document=bare))[0] is ResultState.PASS


def test_does_not_apply_where_no_region_runs_on_its_provider(catalogue: Catalogue) -> None:
    state, reason = judge(catalogue, "aws_soc2_report", answered(AWS, applies=False, document=None))
    assert state is ResultState.NOT_APPLICABLE
    assert "aws" in reason
    assert evaluate(catalogue.checks["document_aws_soc2_report"], facts("documents", [])) == []


@pytest.mark.parametrize("missing", ["applies", "document", "review"])
def test_missing_field_is_an_error_and_never_a_verdict(catalogue: Catalogue, missing: str) -> None:
    fields = answered(PLAYBOOKS)
    del fields[missing]
    with pytest.raises(Invalid):
        judge(catalogue, "playbooks", fields)


def test_judges_only_its_own_request(catalogue: Catalogue) -> None:
    found = list[Result](evaluate(catalogue.checks["document_playbooks"], facts("documents", [answered(DRILL)])))
    assert found == []
