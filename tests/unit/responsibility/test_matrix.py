"""The matrix tells the truth: what is not proven now is not green, whatever was proven before."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import canonical_json
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility import store
from stronghouse.responsibility.catalogue import Catalogue, load_catalogue
from stronghouse.responsibility.matrix import LISTED_RESULTS, responsibility_matrix
from stronghouse.responsibility.runner import CheckRunner
from tests.unit.responsibility.cases import CASES
from tests.unit.responsibility.conftest import ACME, OTHER, ScriptedFacts

CHECKS = (
    "audit_evidence_intact",
    "audit_tree_verified",
    "listening_loopback_only",
    "network_access_enforced",
    "network_access_narrow",
    "rest_files_encrypted",
    "service_password_required",
    "tde_files_use_key",
    "tde_key_unwraps",
    "tde_machine_key_apart",
    "tls_certificate_fresh",
    "tls_certificate_trusted",
    "tls_plaintext_refused",
    "tls_versions_modern",
)
"""What the rows of these tests stand on, so that a new check elsewhere changes nothing here."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    whole = load_catalogue()
    return Catalogue(whole.responsibilities, {name: whole.checks[name] for name in CHECKS})


class Matrix:
    """Reads the document."""

    def __init__(self, log: AuditLog, catalogue: Catalogue, clock: FixedClock) -> None:
        self.log, self.catalogue, self.clock = log, catalogue, clock

    def rows(self, organization_id: str = ACME, regions: tuple[str, ...] = ("local",)) -> dict[str, dict[str, Any]]:
        """The rows by id."""
        with self.log.database.read() as connection:
            document: Any = responsibility_matrix(
                connection,
                catalogue=self.catalogue,
                organization_id=organization_id,
                regions=regions,
                now=self.clock.now(),
            )
        canonical_json(document)
        assert sum(document["summary"].values()) == len(document["rows"]) == 34
        return {row["id"]: row for row in document["rows"]}

    def states(self, **reading: Any) -> dict[str, str]:
        """Only the states."""
        return {row_id: row["state"] for row_id, row in self.rows(**reading).items()}

    def check(self, row_id: str, check_id: str) -> dict[str, Any]:
        """One check of a row."""
        controls = self.rows()[row_id]["controls"]
        return next(check for control in controls for check in control["checks"] if check["id"] == check_id)


@pytest.fixture
def matrix(log: AuditLog, catalogue: Catalogue, clock: FixedClock) -> Matrix:
    return Matrix(log, catalogue, clock)


def test_before_anything_ran_every_row_is_not_evidenced(matrix: Matrix) -> None:
    assert set(matrix.states().values()) == {"not_evidenced"}


def test_row_is_green_only_if_every_control_is_proven_and_says_how_many_are(
    matrix: Matrix, runner: CheckRunner
) -> None:
    runner.run_due()
    rows = matrix.rows()
    assert {row_id for row_id, row in rows.items() if row["state"] == "pass"} == {"platform.transit", "console.network"}
    assert rows["platform.transit"]["reason"] == "4 of 4 controls proven."
    tde = rows["console.tde"]
    assert (tde["state"], tde["controlsProven"], tde["controlsTotal"]) == ("partial", 3, 4)
    assert tde["reason"].startswith("3 of 4 controls proven. Not proven: Keys are rotated")
    assert rows["assess.pentest"]["state"] == "not_evidenced"


def test_age_turns_every_proof_stale(matrix: Matrix, runner: CheckRunner, clock: FixedClock) -> None:
    runner.run_due()
    clock.advance(timedelta(hours=1))
    assert matrix.states()["platform.transit"] == "pass"
    clock.advance(timedelta(microseconds=1))
    assert matrix.states()["platform.transit"] == "stale"
    shown = matrix.check("platform.transit", "tls_versions_modern")["places"][0]["results"][0]
    assert (shown["state"], shown["lastState"]) == ("stale", "pass")
    clock.advance(timedelta(days=1))
    assert not {"pass", "partial"} & set(matrix.states().values())


def test_failed_collector_turns_its_rows_to_error_and_no_other(
    matrix: Matrix, runner: CheckRunner, sources: ScriptedFacts, clock: FixedClock
) -> None:
    runner.run_due()
    sources.found["tls_endpoints"] = Unavailable("Region local did not answer within 30 s.")
    clock.advance(timedelta(minutes=15))
    runner.run_due()
    row = matrix.rows()["platform.transit"]
    assert row["state"] == "error"
    assert "did not answer within 30 s" in row["reason"]
    assert matrix.states()["console.tde"] == "partial"
    assert matrix.check("platform.transit", "tls_versions_modern")["places"][0]["results"][0]["state"] == "error"


def test_failure_stands_above_everything_and_names_the_control(
    matrix: Matrix, runner: CheckRunner, sources: ScriptedFacts
) -> None:
    sources.found["disk_encryption"] = [dict(CASES["rest_files_encrypted"].failing[0][0])]
    sources.found["data_keys"] = Unavailable("No answer.")
    runner.run_due()
    row = matrix.rows()["platform.rest"]
    assert row["state"] == "fail"
    assert row["reason"].startswith("Every file with table data of every service is encrypted: 1 of 1 fail")


def test_region_that_never_answered_is_missed(matrix: Matrix, runner: CheckRunner) -> None:
    runner.run_due()
    row = matrix.rows(regions=("local", "far"))["platform.transit"]
    assert row["state"] == "not_evidenced"
    assert "region/far" in row["reason"]
    assert matrix.states(regions=())["console.tde"] != "pass"


def test_nothing_to_judge_is_not_green(matrix: Matrix, runner: CheckRunner, sources: ScriptedFacts) -> None:
    for collector in ("disk_encryption", "data_keys", "network_access", "worker_sandbox", "service_authentication"):
        sources.found[collector] = []
    runner.run_due()
    states = matrix.states()
    assert states["service.iam"] == states["console.tde"] == states["platform.rest"] == "not_evidenced"


def test_results_of_another_organization_are_neither_shown_nor_counted(
    matrix: Matrix, runner: CheckRunner, sources: ScriptedFacts
) -> None:
    bad = {**CASES["rest_files_encrypted"].failing[0][0], "id": "service/o1", "service_id": "o1"}
    sources.found["disk_encryption"] = [dict(CASES["rest_files_encrypted"].passing), bad]
    runner.run_due()
    assert matrix.states()["platform.rest"] == "partial"
    assert matrix.states(organization_id=OTHER)["platform.rest"] == "fail"
    assert "o1" not in json.dumps(matrix.rows())


def test_check_that_judges_differently_now_must_run_again(matrix: Matrix, runner: CheckRunner, log: AuditLog) -> None:
    runner.run_due()
    with log.bookkeeping("an older version wrote it") as connection:
        connection.execute(update(store.check_run).values(check_version=0))
    assert not {"pass", "partial"} & set(matrix.states().values())


def test_result_without_a_run_proves_nothing(matrix: Matrix, runner: CheckRunner, log: AuditLog) -> None:
    runner.run_due()
    with log.bookkeeping("a test") as connection:
        connection.execute(delete(store.check_run))
    assert set(matrix.states().values()) == {"not_evidenced"}


def test_many_resources_are_counted_in_full_and_listed_in_part_failures_first(
    matrix: Matrix, runner: CheckRunner, sources: ScriptedFacts
) -> None:
    fine, (bad, _) = CASES["listening_loopback_only"].passing, CASES["listening_loopback_only"].failing[0]
    many = [{**fine, "id": f"process/a/{number:05}"} for number in range(300)]
    sources.found["listening_sockets"] = [*many, {**bad, "id": "process/z/9"}]
    runner.run(check_id="listening_loopback_only")
    place = matrix.check("platform.network", "listening_loopback_only")["places"][0]
    assert place["resultCounts"] == {"pass": 300, "fail": 1}
    assert len(place["results"]) == LISTED_RESULTS
    assert place["results"][0]["resource"] == "process/z/9"
