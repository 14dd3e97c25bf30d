"""The derived states as metrics in Prometheus' text format, from a registry made for each request."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import Connection, func, select

from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.model import UNRESOLVED
from stronghouse.responsibility.model import ResultState, RowState, Severity

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def open_findings(connection: Connection, organization_id: str) -> dict[str, int]:
    """How many findings that an organization sees are not resolved, by severity; every severity is there."""
    own = store.finding.c
    query = select(own.severity, func.count()).where(
        store.visible(organization_id), own.status.in_([status.value for status in UNRESOLVED])
    )
    counted = {str(severity): int(count) for severity, count in connection.execute(query.group_by(own.severity))}
    return {severity.value: counted.get(severity.value, 0) for severity in Severity}


def render_metrics(
    document: Mapping[str, Any],
    *,
    seconds: Mapping[tuple[str, str], float],
    findings: Mapping[str, int],
    now: datetime,
) -> bytes:
    """The metrics of one organization's matrix document.

    Args:
        document: as `matrix.responsibility_matrix` gives it.
        seconds: how long the last look of each collector in each place took.
        findings: as `open_findings` gives them.
        now: the time that ages are measured from.
    """
    registry = CollectorRegistry()
    _rows(registry, document)
    checks = {
        check["id"]: check for row in document["rows"] for control in row["controls"] for check in control["checks"]
    }
    _checks(registry, checks, now)
    duration = _gauge(
        registry, "collector_duration_seconds", "Duration of a collector's last look.", "collector", "place"
    )
    for (collector, place), taken in seconds.items():
        duration.labels(collector, place).set(taken)
    waiting = _gauge(registry, "findings_open", "Findings that are not resolved.", "severity")
    for severity, count in findings.items():
        waiting.labels(severity).set(count)
    return generate_latest(registry)


def _rows(registry: CollectorRegistry, document: Mapping[str, Any]) -> None:
    states = _gauge(registry, "row_state", "1 for the state that a responsibility is in.", "row", "state")
    proven = _gauge(registry, "row_controls_proven", "Controls of a responsibility that are proven now.", "row")
    total = _gauge(registry, "row_controls", "Controls of a responsibility.", "row")
    for row in document["rows"]:
        for state in RowState:
            states.labels(row["id"], state.value).set(row["state"] == state.value)
        proven.labels(row["id"]).set(row["controlsProven"])
        total.labels(row["id"]).set(row["controlsTotal"])


def _checks(registry: CollectorRegistry, checks: Mapping[str, Any], now: datetime) -> None:
    states = _gauge(registry, "check_state", "1 for the state of a check in a place.", "check", "place", "state")
    ages = _gauge(registry, "evidence_age_seconds", "Age of the newest evidence of a check.", "check", "place")
    attempts = _gauge(registry, "check_attempt_age_seconds", "Time since a check was last tried.", "check", "place")
    counts = _gauge(registry, "check_results", "Results of the last look by state.", "check", "place", "state")
    possible = [state for state in RowState if state is not RowState.PARTIAL]
    for check_id, check in checks.items():
        for place in check["places"]:
            for state in possible:
                states.labels(check_id, place["place"], state.value).set(place["state"] == state.value)
            if place["evidenceAgeSeconds"] is not None:
                ages.labels(check_id, place["place"]).set(place["evidenceAgeSeconds"])
            if place["attemptedAt"] is not None:
                age = (now - parse_rfc3339(place["attemptedAt"])).total_seconds()
                attempts.labels(check_id, place["place"]).set(max(0.0, age))
            for result in ResultState:
                if result.value in place["resultCounts"]:
                    counts.labels(check_id, place["place"], result.value).set(place["resultCounts"][result.value])


def _gauge(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"stronghouse_{name}", text, labels, registry=registry)
