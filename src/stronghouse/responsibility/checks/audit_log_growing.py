"""The audit log goes on, under signed checkpoints, with a clock that runs forward."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

LONGEST_SILENCE = timedelta(hours=2)
ALLOWED_SKEW = timedelta(seconds=60)
META = CheckMeta(
    id="audit_log_growing",
    title="The audit log goes on and is signed to its end",
    severity=Severity.HIGH,
    risk="What happens now is not recorded, or nobody signs it, or its times cannot be believed.",
    remediation="Restart the control plane with `stronghouse up`; if times ran backwards, set the clock of the "
    "machine right with `timedatectl set-ntp true` and keep both readings for whoever reads the log "
    "later.",
    max_age=timedelta(hours=1),
    collector="audit_progress",
    controls=("console.audit.growing",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.8.15", "ISO27001:A.8.17"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the log."""
    for log in facts.of_kind("audit_log"):
        size, newest, latest = log.number("size"), moment(log, "newest_at"), moment(log, "latest_at")
        running_since = moment(log, "running_since")
        if not size or newest is None or latest is None or running_since is None:
            yield Result(log.id, ResultState.NOT_APPLICABLE, "Nothing was recorded yet.")
            continue
        problem = log.optional_text("checkpoint_problem")
        quiet_since = max(newest, running_since)  # while it did not run, nothing could be recorded
        if problem is not None:
            yield Result(log.id, ResultState.FAIL, f"The newest checkpoint: {problem}")
        elif log.optional_number("checkpoint_size") != size:
            yield Result(log.id, ResultState.FAIL, f"No signed checkpoint covers all {size} entries.")
        elif max(latest - newest, latest - facts.collected_at) > ALLOWED_SKEW:
            yield Result(
                log.id, ResultState.FAIL, f"An entry says {log.text('latest_at')}, later than what came after."
            )
        elif facts.collected_at - quiet_since > LONGEST_SILENCE:
            yield Result(log.id, ResultState.FAIL, f"Nothing was recorded since {log.text('newest_at')}.")
        else:
            reason = f"All {size} entries are signed for; the newest is of {log.text('newest_at')}."
            yield Result(log.id, ResultState.PASS, reason)
