"""A worker proves its logs by what it just did, and says that it cannot where rows get lost."""

import json
import sys
from pathlib import Path

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.processes import run
from stronghouse.worker.reports import CANARY, LogReports
from tests.integration.worker import log_proving

FIRST, SECOND = f"{CANARY}{'1' * 32}", f"{CANARY}{'2' * 32}"


def _reports(directory: Path, *steps: Json, retention_days: int = 30) -> list[Json]:
    task = {"directory": str(directory), "retention_days": retention_days, "steps": steps}
    done = run(
        [sys.executable, "-m", log_proving.__name__],
        environment={"PYTHONPATH": str(Path(__file__).parents[3])},
        timeout=60,
        stdin=json.dumps(task).encode(),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_was_done_is_found_and_what_was_not_done_is_not(tmp_path: Path) -> None:
    nothing, _, refused, only_queries, *wrong = _reports(
        tmp_path / "data", None, {"session": FIRST}, FIRST, SECOND, "x' OR 1", CANARY, f"{CANARY}{'g' * 32}"
    )
    before, found, unseen = (LogReports.from_json(one) for one in (nothing, refused, only_queries))
    assert (before.query_log.canary, before.query_log.rows_total, before.query_log.newest) == (None, 0, None)
    assert (found.query_log.canary, found.session_log.canary) == (True, True)
    assert (found.query_log.rows_total, found.session_log.rows_total, found.query_log.journal_bytes) == (1, 1, 0)
    assert found.query_log.newest is not None
    assert (unseen.query_log.canary, unseen.session_log.canary) == (True, False)
    assert wrong == [{"error": "ValueError"}] * 3


def test_rows_that_do_not_arrive_prove_nothing(tmp_path: Path) -> None:
    _, _, report = _reports(tmp_path / "data", {"drop": "query_log"}, {"session": FIRST}, FIRST)
    found = LogReports.from_json(report)
    assert (found.query_log.canary, found.session_log.canary) == (False, True)


def test_retention_is_what_the_tables_have_and_follows_the_setting(tmp_path: Path) -> None:
    for days in (30, 365, 1):
        report, *kept = _reports(
            tmp_path / "data", None, {"kept": "query_log"}, {"kept": "session_log"}, retention_days=days
        )
        found = LogReports.from_json(report)
        assert (found.query_log.retention_days, found.session_log.retention_days) == (days, days)
        assert kept == [str(days)] * 2
