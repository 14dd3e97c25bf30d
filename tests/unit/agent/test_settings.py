"""What an agent is told by the environment, and what it refuses before it starts."""

from pathlib import Path

import pytest

from stronghouse.agent.settings import (
    LOG_RETENTION_DAYS,
    MASK_PATTERNS,
    AgentSettings,
    log_retention_days,
    mask_patterns,
)
from stronghouse.kernel.errors import Invalid


def _settings() -> AgentSettings:
    return AgentSettings(
        state_directory=Path("/state"),
        port_base=8440,
        control_url="wss://localhost:8446",
        machine_key_file=Path("/key"),
        log_retention_days=log_retention_days(),
        mask_patterns=mask_patterns(),
    )


def test_logs_are_kept_30_days_and_nothing_is_masked_unless_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (LOG_RETENTION_DAYS, MASK_PATTERNS):
        monkeypatch.delenv(name, raising=False)
    assert (_settings().log_retention_days, _settings().mask_patterns) == (30, ())


def test_environment_sets_retention_and_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_RETENTION_DAYS, "365")
    monkeypatch.setenv(MASK_PATTERNS, "AKIA[A-Z0-9]{16}\n\n  \nTOKEN-\\d+\n")
    assert _settings().log_retention_days == 365
    assert _settings().mask_patterns == ("AKIA[A-Z0-9]{16}", "TOKEN-\\d+")


@pytest.mark.parametrize("days", ["0", "3651", "-1", "30.5", "1e2", "٣٠", " 30", "99999"])
def test_retention_that_is_no_number_of_days_stops_the_start(monkeypatch: pytest.MonkeyPatch, days: str) -> None:
    monkeypatch.setenv(LOG_RETENTION_DAYS, days)
    with pytest.raises(Invalid, match=LOG_RETENTION_DAYS):
        _settings()


@pytest.mark.parametrize("pattern", ["(", "a**", "x*", "a" * 201, "\n".join("ab"[i % 2] for i in range(51))])
def test_pattern_that_cannot_work_or_would_mask_everything_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.setenv(MASK_PATTERNS, pattern)
    with pytest.raises(Invalid, match=MASK_PATTERNS):
        _settings()
